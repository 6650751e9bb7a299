"""Command line: the tables of one technology from a file of its reads."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from neft._utils.commands import one_line
from neft._utils.files import check_output
from neft.characterize.analysis import characterize, write
from neft.characterize.level_counts import enough, usable_levels
from neft.characterize.reads import read_reads
from neft.characterize.terminal import summary
from neft.devices import PRESETS


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the tables of one technology, and say what they show and how a run uses them.

    On an error, it prints one line and ends with status 1.
    """
    parser = argparse.ArgumentParser(prog="neft characterize", description=main.__doc__)
    parser.add_argument("reads", type=Path, help="CSV, CSV.GZ or Parquet")
    parser.add_argument("--technology", required=True, help="its name in the tables")
    parser.add_argument("--g-max-uS", type=float, required=True, help="end of the range, G_max")
    levels = "number of equal parts of the range, or the most targets that are levels themselves"
    parser.add_argument("--levels", type=int, default=32, help=levels)
    parser.add_argument("--output", type=Path, required=True, help="folder for the tables")
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    given = parser.parse_args(arguments)
    with one_line():
        _check_name(given.technology)
        check_output(given.output)
        reads = read_reads(given.reads)
        tables = _tables(reads, given)
        write(given.output, tables)
    print(
        *_left_out(reads, given.g_max_uS), *_kept(reads), summary(tables, given.output), sep="\n\n"
    )


def _check_name(technology: str) -> None:
    """Refuse a name that params.yaml would refuse: it stands in paths, commands and pages."""
    if not re.fullmatch("[A-Za-z][A-Za-z0-9_-]{0,59}", technology):
        rule = "must be a letter, then at most 59 letters, digits, _ or -"
        raise ValueError(f"--technology {rule}, got {technology!r}")
    if technology in (*PRESETS, "hardware"):
        raise ValueError(f"--technology must not be the name of a preset, got {technology!r}")


def _tables(reads: pd.DataFrame, given: argparse.Namespace) -> dict[str, pd.DataFrame]:
    g_max_S = given.g_max_uS / 1e6
    try:
        return characterize(
            reads,
            technology=given.technology,
            g_max_S=g_max_S,
            levels=given.levels,
            quiet=given.quiet,
        )
    except ValueError as error:
        fewer = usable_levels(reads, g_max_S=g_max_S, below=given.levels)
        if fewer is None or enough(reads, g_max_S=g_max_S, levels=given.levels):
            raise
        raise ValueError(f"{error}; --levels {fewer} would do") from error


def _left_out(reads: pd.DataFrame, g_max_uS: float) -> list[str]:
    """Say how many cells lie outside of the range: most of them, if G_max is too small."""
    first = reads[reads.time_s == 0].conductance_S
    above = int((first >= g_max_uS / 1e6).sum())
    if "target_S" in reads or not above:
        return []
    return [f"Left out: {above} of {len(first)} cells, whose first read is G_max or more."]


def _kept(reads: pd.DataFrame) -> list[str]:
    """Say how many reads lie below 0: a failed read may be among them."""
    below = reads.conductance_S[reads.conductance_S < 0] * 1e6
    if below.empty:
        return []
    return [
        f"Kept: {len(below)} of {len(reads)} reads, which are below 0, down to {below.min():g} uS."
    ]


if __name__ == "__main__":
    main()
