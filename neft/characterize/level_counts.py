"""Find a number of levels that reads are enough for."""

import pandas as pd

from neft.characterize.levels import level_errors

FEWEST_LEVELS, FEWEST_ERRORS = 5, 4
"""Levels, and errors in each, that `neft.characterize.model_selection.compare` needs."""


def usable_levels(reads: pd.DataFrame, *, g_max_S: float, below: int) -> int | None:
    """Return a smaller number of levels that these reads are enough for.

    Tried are numbers that fall by a tenth, or by one, from `below` on: the first that will do need
    not be the largest.

    Args:
        reads: see `neft.characterize.reads.check_reads`.
        g_max_S: upper end of the conductance range, in siemens.
        below: number of levels for which they are not enough.

    Returns:
        The number; None if there is none, as where a part of the range has no cell at all.
    """
    # Nothing above can do: every level needs cells of its own.
    count = min(below - 1, reads["cell"].nunique() * _cycles(reads) // FEWEST_ERRORS)
    while count >= FEWEST_LEVELS:
        if enough(reads, g_max_S=g_max_S, levels=count):
            return count
        count = min(count - 1, count * 9 // 10)
    return None


def _cycles(reads: pd.DataFrame) -> int:
    return reads["cycle"].nunique() if "cycle" in reads else 1


def enough(reads: pd.DataFrame, *, g_max_S: float, levels: int) -> bool:
    """Return whether these reads are enough for so many levels."""
    try:
        errors = level_errors(reads, g_max_S=g_max_S, levels=levels)
    except ValueError:
        return False
    sizes = errors.groupby(["time_s", "level"]).size()
    counts = sizes.groupby("time_s").size()
    return bool(sizes.min() >= FEWEST_ERRORS and counts.min() >= FEWEST_LEVELS)
