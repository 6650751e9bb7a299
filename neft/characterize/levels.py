"""Level tables from reads: the distribution of the conductance error at each time and level.

`neft.characterize.reads` describes both forms, reads and level tables.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from neft._utils.checks import positive
from neft.characterize.reads import LEVEL_COLUMNS, QUANTILE_COLUMNS, QUANTILES, check_reads
from neft.characterize.sizes import check_first_reads, check_lowest, check_targets


def level_errors(reads: pd.DataFrame, *, g_max_S: float, levels: int = 32) -> pd.DataFrame:
    """Compute the error and the level of every read.

    Without targets, the error is (G(t) - G(0)) / G_max at each time t > 0. A cell's level is
    floor(G(0) / (G_max / levels)), from its *initial read*, the read at time 0 (not a programming
    target). Cells with an initial read of G_max or more are left out. A cell with an initial read
    below 0 is in level 0, at g = 0; its error is from the read as it is. Every level needs reads.

    With `target_S`, the error is (G(t) - target) / G_max at each time t >= 0; at time 0 this is
    the programming error, and later what has changed since comes on top. If there are at most
    `levels` different targets, each of them is a level, numbered from the lowest. Otherwise the
    level is the part of the range that holds the target; the last one includes G_max, and parts
    without a target are left out.

    Cycles are pooled: each programming of a cell counts as a separate cell.

    Args:
        reads: see `neft.characterize.reads.check_reads`; the order of rows does not matter.
        g_max_S: upper end of the conductance range, in siemens.
        levels: number of equal parts of the range, or the most targets that are levels themselves.

    Returns:
        One row per read, columns time_s, level, unit (a number for each programming of a cell),
        g (target, or else initial conductance) and error (fractions of G_max).

    Raises:
        ValueError: an unusable argument or read, also one below -3 % of G_max; several
            temperatures; reads, targets and G_max that are not of one size
            (`neft.characterize.sizes`); without targets, a cell without a read at time 0; a time
            and level with fewer than two reads or only equal errors.

    Examples:
        >>> reads = pd.DataFrame({"cell": [1, 2, 1, 2], "time_s": [0, 0, 1, 1]})
        >>> reads["conductance_S"] = [2e-6, 4e-6, 3e-6, 7e-6]
        >>> level_errors(reads, g_max_S=1e-5, levels=1)["error"].round(9).tolist()
        [0.1, 0.3]
        >>> reads["target_S"] = [1e-6, 4e-6, 1e-6, 4e-6]
        >>> level_errors(reads, g_max_S=1e-5, levels=1)["error"].round(9).tolist()
        [0.1, 0.0, 0.2, 0.3]
    """
    positive(g_max_S=g_max_S)
    if levels != int(levels) or levels < 1:
        raise ValueError(f"levels must be a positive integer, got {levels}")
    reads = check_reads(reads)
    if "temperature_K" in reads and reads["temperature_K"].nunique() > 1:
        found = sorted(reads["temperature_K"].unique().tolist())
        raise ValueError(f"reads: temperature_K must be one value in a level table, got {found}")
    if "target_S" in reads:
        errors = _from_targets(reads, g_max_S, levels)
        every = None
    else:
        errors = _from_initial_reads(reads, g_max_S, levels)
        every = pd.MultiIndex.from_product([errors["time_s"].unique(), range(levels)])
    check_lowest(reads, g_max_S)
    _check_groups(errors.groupby(["time_s", "level"])["error"], every, g_max_S / levels)
    return errors


def summarise_levels(errors: pd.DataFrame, *, technology: str, g_max_S: float) -> pd.DataFrame:
    """Summarise errors for each time and level.

    Args:
        errors: table of `level_errors`.
        technology: its name in the table.
        g_max_S: upper end of the conductance range, in siemens.

    Returns:
        `LEVEL_COLUMNS`, sorted by time and level: n, the number of reads; g, the mean target (or
        else initial conductance) as a fraction of G_max; mean, std (ddof 1), skewness, excess
        kurtosis (population moments) and quantiles (linear interpolation between order statistics)
        of the error.

    Examples:
        >>> reads = pd.DataFrame({"cell": [1, 2, 1, 2], "time_s": [0, 0, 1, 1]})
        >>> reads["conductance_S"] = [2e-6, 4e-6, 3e-6, 7e-6]
        >>> errors = level_errors(reads, g_max_S=1e-5, levels=1)
        >>> table = summarise_levels(errors, technology="toy", g_max_S=1e-5)
        >>> table["mean"].round(9).tolist()
        [0.2]
    """
    groups = errors.groupby(["time_s", "level"])
    table = groups.agg(n=("error", "size"), g=("g", "mean"))
    table[["mean", "std"]] = groups["error"].agg(["mean", "std"])
    table["skewness"] = groups["error"].agg(stats.skew)
    table["excess_kurtosis"] = groups["error"].agg(stats.kurtosis)
    table[list(QUANTILE_COLUMNS)] = groups["error"].quantile(list(QUANTILES)).unstack()
    table = table.reset_index().assign(technology=technology, g_max_S=float(g_max_S))
    return table[list(LEVEL_COLUMNS)]


def mean_square(levels: pd.DataFrame) -> np.ndarray:
    """Return the mean square of the error in each row of a level table."""
    n = levels.n.to_numpy()
    return levels["mean"].to_numpy() ** 2 + levels["std"].to_numpy() ** 2 * (n - 1) / n


def rank_correlations(errors: pd.DataFrame, *, technology: str) -> pd.DataFrame:
    """Compute the rank correlation of the cells' errors between each time and the next.

    Args:
        errors: table of `level_errors`.
        technology: its name in the table.

    Returns:
        Columns technology, time_s, next_time_s, n (cells read at both times), spearman. Ranks are
        within a level; the correlation is over all levels together.
    """
    ranks = errors.groupby(["time_s", "level"])["error"].rank(pct=True)
    wide = errors.assign(rank=ranks).pivot(index=["level", "unit"], columns="time_s", values="rank")
    rows = []
    for before, after in pairwise(wide.columns):
        both = wide[[before, after]].dropna()
        again = both.groupby("level").rank(pct=True)  # among the cells read at both times
        rho = again[before].corr(again[after])
        rows.append((technology, before, after, len(both), rho))
    columns = ["technology", "time_s", "next_time_s", "n", "spearman"]
    return pd.DataFrame(rows, columns=columns)


def _from_targets(reads: pd.DataFrame, g_max_S: float, levels: int) -> pd.DataFrame:
    """Return time_s, level, unit, g and error of every read."""
    check_targets(reads, g_max_S)
    reads = reads.sort_values(["time_s", *_unit(reads)])
    target = reads["target_S"]
    if target.nunique() <= levels:
        level = target.rank(method="dense").astype(int) - 1
    else:
        # Targets lie on edges of levels, where rounding of units must not decide.
        level = np.floor((target / (g_max_S / levels)).round(9)).clip(upper=levels - 1).astype(int)
    unit = reads.groupby(_unit(reads)).ngroup()
    g, error = (target / g_max_S).clip(upper=1), (reads["conductance_S"] - target) / g_max_S
    return reads[["time_s"]].assign(level=level, unit=unit, g=g, error=error)


def _from_initial_reads(reads: pd.DataFrame, g_max_S: float, levels: int) -> pd.DataFrame:
    """Return time_s, level, unit, g and error of later reads of cells that start in range."""
    # Sums of floats depend on the order of rows: sort them, so that equal reads give equal bits.
    reads = reads.sort_values(["time_s", *_unit(reads)])
    later = reads["time_s"] > 0
    cell = reads.groupby(_unit(reads)).ngroup()
    initial = cell.map(reads["conductance_S"].set_axis(cell)[~later.to_numpy()])
    if initial.isna().any():
        lost = reads[_unit(reads)][initial.isna()].iloc[0]
        rule = f"without targets, each {' and '.join(lost.index)} must have a read at time_s 0"
        raise ValueError(f"reads: {rule}, got none for {', '.join(map(str, lost))}")
    check_first_reads(initial, g_max_S)
    kept = later & (initial < g_max_S)
    if not kept.any():
        rule = f"some cell must begin below G_max, {1e6 * g_max_S:g} uS, and be read again"
        raise ValueError(f"reads: {rule}, got none")
    # Rounding may lift a conductance just below G_max to the level above the last.
    level = np.floor(initial / (g_max_S / levels)).clip(0, levels - 1).astype(int)
    g, error = (initial / g_max_S).clip(lower=0), (reads["conductance_S"] - initial) / g_max_S
    return reads[["time_s"]].assign(level=level, unit=cell, g=g, error=error)[kept]


def _unit(reads: pd.DataFrame) -> list[str]:
    return ["cell", "cycle"] if "cycle" in reads else ["cell"]


def _check_groups(
    errors: pd.api.typing.SeriesGroupBy, every: pd.MultiIndex | None, width_S: float
) -> None:
    found = errors.agg(["size", "nunique"])
    if every is not None:
        found = found.reindex(every, fill_value=0)
    for (time_s, level), n in found["size"][found["nunique"] < 2].items():
        rule = f"level {level} at time_s {time_s:g} must have at least 2 reads that differ"
        got = f"{n}" + " equal ones" * (n > 1)
        if every is not None:  # levels are parts of the range
            ends = (1e6 * width_S * end for end in (level, level + 1))
            got += " that begin at {:g} to {:g} uS".format(*ends)
        raise ValueError(f"reads: {rule}, got {got}")
