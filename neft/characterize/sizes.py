"""Refuse reads, targets and a G_max that are not of one size: mostly a unit is wrong."""

import pandas as pd

MOST_RANGE = 4
"""G_max over the largest conductance, at most (our choice): beyond, three quarters of the range
would be unknown."""

LEAST_READ = -0.03
"""A read as a fraction of G_max, at least (our choice): the noise of a sense amplifier takes reads
of a nearly open cell below 0, but not far."""

MOST_ERROR = 100
"""Ratio of high reads and their targets, at most. Between two units it is 1,000 or more."""


def check_targets(reads: pd.DataFrame, g_max_S: float) -> None:
    """Refuse targets that do not fit G_max, or reads that do not fit their targets.

    Args:
        reads: columns `conductance_S` and `target_S`.
        g_max_S: upper end of the conductance range, in siemens.

    Raises:
        ValueError: the largest target is above G_max or far below it, or read over target is far
            from 1, in the median over the targets above half of the largest.
    """
    target = reads["target_S"]
    # Targets lie on the end of the range, where rounding of units must not decide.
    if target.max() > g_max_S * (1 + 1e-9):
        rule = f"G_max must be at least the largest target, {_in_uS(target.max())}"
        raise ValueError(f"reads: {rule}, got {_in_uS(g_max_S)}; are their units right?")
    check_range(target.max(), "target", g_max_S)
    high = target > target.max() / 2
    ratio = (reads["conductance_S"] / target)[high].median()
    if not 1 / MOST_ERROR <= ratio <= MOST_ERROR:
        rule = f"read / target must be {1 / MOST_ERROR:g} to {MOST_ERROR} in the median"
        raise ValueError(f"reads: {rule}, got {ratio:.3g}; are the units of both columns right?")


def check_first_reads(initial_S: pd.Series, g_max_S: float) -> None:
    """Refuse a G_max that does not fit the cells' first reads; some may lie above it.

    Args:
        initial_S: first read of each cell, or of each read's cell, in siemens.
        g_max_S: upper end of the conductance range, in siemens.

    Raises:
        ValueError: the largest is far below G_max, or the median far above it.
    """
    check_range(initial_S.max(), "first read", g_max_S)
    if g_max_S * MOST_RANGE <= (median := initial_S.median()):
        rule = f"{MOST_RANGE} times G_max must be above the median first read, {_in_uS(median)}"
        raise ValueError(f"reads: {rule}, got G_max {_in_uS(g_max_S)}; are their units right?")


def check_lowest(reads: pd.DataFrame, g_max_S: float) -> None:
    """Refuse reads further below 0 than noise explains: those failed, or have an offset.

    Args:
        reads: columns `cell`, `time_s`, `conductance_S` and, if the cells have several, `cycle`.
        g_max_S: upper end of the conductance range, in siemens.

    Raises:
        ValueError: the lowest read is below `LEAST_READ` of G_max.
    """
    row = reads["conductance_S"].idxmin()
    least, read = LEAST_READ * g_max_S, reads["conductance_S"].at[row]
    if read < least:
        keys = [key for key in ("cell", "cycle", "time_s") if key in reads]
        place = ", ".join(f"{key} {reads[key].at[row]}" for key in keys)
        rule = f"conductance must be at least {LEAST_READ:.0%} of G_max, {_in_uS(least)}"
        advice = "leave out the row if the read failed, or subtract an offset of the instrument"
        raise ValueError(f"reads: {rule}, got {_in_uS(read)} in {place}; {advice}")


def check_range(largest_S: float, what: str, g_max_S: float) -> None:
    """Refuse a G_max far above the largest conductance that levels are made of.

    Args:
        largest_S: that conductance, in siemens.
        what: it is, for the error.
        g_max_S: upper end of the conductance range, in siemens.

    Raises:
        ValueError: it is `MOST_RANGE` times as large or more.
    """
    if g_max_S >= MOST_RANGE * largest_S:
        rule = f"G_max must be below {MOST_RANGE} times the largest {what}, {_in_uS(largest_S)}"
        raise ValueError(f"reads: {rule}, got {_in_uS(g_max_S)}; are their units right?")


def _in_uS(conductance_S: float) -> str:
    return f"{1e6 * conductance_S:g} uS"
