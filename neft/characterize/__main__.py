"""Characterize a technology from the command line."""

import argparse
import sys
from pathlib import Path

from neft.characterize.analysis import characterise, write
from neft.characterize.reads import read_reads


def main() -> None:
    """Make the tables of one technology; exit 1 with one line if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m neft.characterize", description=main.__doc__)
    parser.add_argument("reads", type=Path, help="CSV, CSV.GZ or Parquet")
    parser.add_argument("--technology", required=True, help="what to call it")
    parser.add_argument("--g-max-uS", type=float, required=True, help="end of the range")
    parser.add_argument("--levels", type=int, default=32, help="equal parts of the range")
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables")
    given = parser.parse_args()
    try:
        tables = characterise(
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
