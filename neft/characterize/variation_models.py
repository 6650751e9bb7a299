"""Variation models made from a level table: measured, smoothed, ageing and fitted ones."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from scipy import stats

from neft._utils.checks import one_of
from neft.characterize.candidates import fit_ratio_gaussian, smoothed
from neft.characterize.levels import mean_square
from neft.characterize.reads import LEVEL_COLUMNS, QUANTILE_COLUMNS, QUANTILES
from neft.devices import MeasuredGaussian, MeasuredQuantiles, RatioGaussian, VariationModel


def at_time(levels: pd.DataFrame, technology: str, time_s: float) -> pd.DataFrame:
    """Select one technology's levels at one time, interpolated between the measured times.

    At a measured time these are the measured rows. In between, every statistic of a level is
    interpolated linearly in log time, for the levels that both neighbouring times have.
    Interpolated quantiles are those of a cell that keeps its rank within its level.

    Args:
        levels: level table (see `neft.characterize.levels.summarise_levels`).
        technology: a value of the column technology.
        time_s: seconds since the first read (or since programming, where reads have targets): 0 if
            measured, or a time between the first positive measured time and the last.

    Returns:
        One row per level, by conductance; `n` is the smaller one of the two times.

    Raises:
        ValueError: the table has no such technology, or time_s is outside the measured times.
    """
    one_of(sorted(levels.technology.unique()), technology=technology)
    rows = levels[levels.technology == technology]
    times = np.sort(rows.time_s.unique())
    if time_s not in times:
        times = times[times > 0]  # 0 has no logarithm
    if not times[0] <= time_s <= times[-1]:
        raise ValueError(
            f"time_s of {technology} must be measured or between measured times "
            f"({times[0]:g} to {times[-1]:g}), got {time_s!r}"
        )
    before = times[times <= time_s][-1]
    after = times[times >= time_s][0]
    early, late = (rows[rows.time_s == t].set_index("level") for t in (before, after))
    common = early.index.intersection(late.index)
    early, late = early.loc[common], late.loc[common]
    share = 0.0 if after == before else np.log(time_s / before) / np.log(after / before)
    numbers = [name for name in LEVEL_COLUMNS if name not in ("technology", "time_s", "level")]
    mixed = early[numbers] * (1 - share) + late[numbers] * share
    mixed["n"] = np.minimum(early.n, late.n)
    mixed = mixed.reset_index().assign(technology=technology, time_s=float(time_s))
    return mixed[list(LEVEL_COLUMNS)].sort_values("g", ignore_index=True)


def gaussian(levels: pd.DataFrame) -> MeasuredGaussian:
    """Make a Gaussian model of the measured spread, without the error's mean and tails.

    Args:
        levels: rows of one technology at one time, by conductance (see `at_time`).

    Returns:
        The model, named after the technology.
    """
    technology, time_s = levels.technology.iloc[0], float(levels.time_s.iloc[0])
    return MeasuredGaussian(
        name=technology,
        source=f"level table, {technology}, {time_s:g} s after the first read",
        time_s=time_s,
        g=tuple(map(float, levels.g)),
        sigma=tuple(map(float, levels["std"])),
    )


def empirical(levels: pd.DataFrame) -> MeasuredQuantiles:
    """Make a model of the whole measured error: mean, spread, skewness and tails.

    Args:
        levels: rows of one technology at one time, by conductance (see `at_time`).

    Returns:
        The model, named after the technology with the suffix `_quantiles`.
    """
    technology, time_s = levels.technology.iloc[0], float(levels.time_s.iloc[0])
    table = levels[list(QUANTILE_COLUMNS)].to_numpy(dtype=float)
    return MeasuredQuantiles(
        name=f"{technology}_quantiles",
        source=f"level table, {technology}, {time_s:g} s after the first read",
        time_s=time_s,
        g=tuple(map(float, levels.g)),
        probabilities=QUANTILES,
        quantiles=tuple(tuple(map(float, row)) for row in table),
    )


def smooth(levels: pd.DataFrame) -> MeasuredQuantiles:
    """Make a Gaussian model with the smooth mu(g) and sigma(g) of the candidate `smooth`.

    Args:
        levels: rows of one technology at one time, by conductance (see `at_time`).

    Returns:
        The model, named after the technology with the suffix `_smooth`.
    """
    columns = (levels[name].to_numpy(dtype=float) for name in ("g", "n", "mean", "std"))
    mean, sigma = smoothed(*columns)
    model = empirical(levels)
    table = mean[:, None] + sigma[:, None] * stats.norm.ppf(QUANTILES)
    return replace(
        model,
        name=f"{levels.technology.iloc[0]}_smooth",
        quantiles=tuple(tuple(map(float, row)) for row in table),
    )


def aged(
    levels: pd.DataFrame,
    ranks: pd.DataFrame,
    technology: str,
    times: Sequence[float] | None = None,
) -> dict[float, MeasuredQuantiles]:
    """Make models of one technology at several times, in which a chip ages as measured.

    The Spearman correlation rho of the errors at consecutive measured times gives the correlation
    of normal scores, r = 2 sin(pi rho / 6) (Pearson, 1907). Two times that span a share s of the
    log time between them have the correlation r^s, as in an Ornstein-Uhlenbeck process in log time
    (our choice), so that intermediate times do not change the correlation of the measured ones.

    Args:
        levels: level table.
        ranks: table of `neft.characterize.levels.rank_correlations`.
        technology: a value of their column technology.
        times: increasing, s, as `at_time` takes them; all measured times if None.

    Returns:
        Time (s) -> model.

    Raises:
        ValueError: a table lacks the technology, or `ranks` a time of the level table; times that
            do not increase, lie outside the measured range, or between measured times with r <= 0.
    """
    rows = ranks[ranks.technology == technology].sort_values("time_s")
    known = sorted(levels.time_s[levels.technology == technology].unique())
    measured = [*rows.time_s[:1], *rows.next_time_s] or known[:1]  # one time has no next one
    if measured != known:
        raise ValueError(f"ranks of {technology} must cover the times {known}, got {measured}")
    times = measured if times is None else list(times)
    if not all(a < b for a, b in pairwise(times)):
        raise ValueError(f"times must increase, got {times}")
    models = {time_s: empirical(at_time(levels, technology, time_s)) for time_s in times}
    correlations = tuple(_correlation(rows, a, b) for a, b in pairwise(times))
    return {
        time_s: replace(model, correlations=correlations[:i], draws=len(times))
        for i, (time_s, model) in enumerate(models.items())
    }


def _correlation(ranks: pd.DataFrame, start: float, end: float) -> float:
    """Correlation of normal scores at two times: the product over the measured steps between."""
    r = 1.0
    for before, after, rho in zip(ranks.time_s, ranks.next_time_s, ranks.spearman, strict=True):
        first, last = max(start, before), min(end, after)
        step = float(2 * np.sin(np.pi * rho / 6))
        if (first, last) == (before, after):
            r *= step
        elif first < last and step > 0:
            r *= step ** (np.log(last / first) / np.log(after / before))
        elif first < last:
            raise ValueError(
                f"times between {before:g} and {after:g} must have a positive correlation of "
                f"ranks around them, got {rho:g}"
            )
    return float(r)


def fit_constant(levels: pd.DataFrame) -> tuple[RatioGaussian, float]:
    """Fit a Gaussian with mean zero and one spread, as the candidate `constant` does.

    Args:
        levels: rows of one technology at one time of a level table.

    Returns:
        The model and sigma_d.
    """
    return _fit(levels, "constant", ratio=1)


def fit_ratio(levels: pd.DataFrame) -> tuple[RatioGaussian, float]:
    """Fit the s-ratio Gaussian with mean zero, as the candidate `s_ratio` does.

    Takes and returns what `fit_constant` does.
    """
    return _fit(levels, "s-ratio")


def _fit(
    levels: pd.DataFrame, name: str, ratio: float | None = None
) -> tuple[RatioGaussian, float]:
    g, n = levels.g.to_numpy(), levels.n.to_numpy()
    s, sigma_d, _ = fit_ratio_gaussian(g, n, mean_square(levels), ratio)
    return RatioGaussian(name, "maximum-likelihood fit to the levels", ratio=s), sigma_d


def curves(fits: dict[str, tuple[VariationModel, float]], points: int = 201) -> pd.DataFrame:
    """Evaluate fitted models over the range of conductances.

    Args:
        fits: label -> (model, sigma_d).
        points: conductances from 0 to 1.

    Returns:
        Columns model (the label), g, sigma (fractions of the full range).
    """
    g = torch.linspace(0, 1, points, dtype=torch.float64)
    return pd.concat(
        pd.DataFrame({"model": label, "g": g, "sigma": model.spread(g, sigma_d).expand_as(g)})
        for label, (model, sigma_d) in fits.items()
    )


def probit(row: pd.Series, fits: dict[str, tuple[VariationModel, float]]) -> pd.DataFrame:
    """Tabulate the measured quantiles of one level and those of Gaussian fits.

    Args:
        row: one row of a level table.
        fits: label -> (Gaussian model, sigma_d).

    Returns:
        Columns model ("measured" or the label), z (standard normal quantile), error (fraction of
        the full range).
    """
    z = stats.norm.ppf(QUANTILES)
    g = torch.tensor([row.g], dtype=torch.float64)
    errors = {"measured": row[list(QUANTILE_COLUMNS)].to_numpy(dtype=float)}
    for label, (model, sigma_d) in fits.items():
        errors[label] = model.spread(g, sigma_d).expand(1).item() * z
    return pd.concat(
        pd.DataFrame({"model": label, "z": z, "error": values}) for label, values in errors.items()
    )
