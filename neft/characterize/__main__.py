"""Command line: the tables of one technology from a file of its reads."""

import argparse
import sys
from pathlib import Path

from neft.characterize.analysis import characterize, write
from neft.characterize.reads import read_reads


def main() -> None:
    """Write the tables of one technology; on an error, print one line and exit with status 1."""
    parser = argparse.ArgumentParser(prog="python -m neft.characterize", description=main.__doc__)
    parser.add_argument("reads", type=Path, help="CSV, CSV.GZ or Parquet")
    parser.add_argument("--technology", required=True, help="its name in the tables")
    parser.add_argument("--g-max-uS", type=float, required=True, help="end of the range, G_max")
    levels = "number of equal parts of the range, or the most targets that are levels themselves"
    parser.add_argument("--levels", type=int, default=32, help=levels)
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables")
    given = parser.parse_args()
    try:
        tables = characterize(
            read_reads(given.reads),
            technology=given.technology,
            g_max_S=given.g_max_uS * 1e-6,
            levels=given.levels,
        )
    except ValueError as error:
        sys.exit(f"error: {error}")
    write(given.output, tables)


if __name__ == "__main__":
    main()
