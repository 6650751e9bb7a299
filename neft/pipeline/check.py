"""Check params.yaml before any other stage takes a name of it into a command or a path.

    python -m neft.pipeline.check executed/check.txt

The file that it writes is always the same: stages wait for it, and nothing runs again for it.
"""

import argparse
import sys
from pathlib import Path

from neft._utils.files import atomic_path
from neft.pipeline import parameters


def main() -> None:
    """Check params.yaml and that its data set is there; exit 1 with one line if not."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("done", type=Path, help="file to write when all is well")
    done = parser.parse_args().done
    try:
        parameters.load().dataset.source.check()
        with atomic_path(done) as partial:
            partial.write_text("params.yaml is complete, and its data set is there.\n")
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
