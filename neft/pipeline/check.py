"""Check params.yaml before any other stage takes a name of it into a command or a path.

    python -m neft.pipeline.check out/executed/methods

The folder gets a file for each method, that names the code of those of the user's own and is always
the same for the others: stages wait for it, and run again when the code changes.
"""

import argparse
from pathlib import Path

from neft._utils.commands import one_line
from neft._utils.files import atomic_path
from neft.pipeline import parameters
from neft.training import build_method
from neft.training.own_methods import code_of


def main() -> None:
    """Check params.yaml and that its data set is there; exit 1 with one line if not."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="for a file about each method's code")
    folder = parser.parse_args().folder
    with one_line():
        run = parameters.load()
        run.dataset.source.check()
        for name, settings in run.methods.items():
            code = code_of(build_method(name, settings)) or "built in"
            with atomic_path(folder / f"{name}.txt") as partial:
                partial.write_text(f"{code}\n")


if __name__ == "__main__":
    main()
