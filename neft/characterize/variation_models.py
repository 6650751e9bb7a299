"""Variation models from a level table, and simpler ones fitted to it."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import torch
from scipy import stats

from neft.characterize.candidates import smoothed
from neft.characterize.reads import LEVEL_COLUMNS, QUANTILE_COLUMNS, QUANTILES
from neft.devices.measured import MeasuredGaussian, MeasuredQuantiles
from neft.devices.variation import RatioGaussian, VariationModel


def at_time(levels: pd.DataFrame, technology: str, time_s: float) -> pd.DataFrame:
    """Take one technology's levels at one time, interpolated between the measured times.

    Linear in log time, level by level: conductance, mean, standard deviation, quantiles and the
    other statistics, for the levels that both neighbouring times have. At a measured time these
    are the measured rows. Quantiles interpolated so are those of a cell that keeps its rank
    among its level's cells.

    Args:
        levels: level table (see `neft.characterize.levels.summarise_levels`).
        technology: value of its column of that name.
        time_s: seconds since the first read (or since programming, where reads have targets),
            within the measured times; between 0 and the next one only 0 itself.

    Returns:
        A row for each level, by conductance; `n` is the smaller one's of the two times.

    Raises:
        ValueError: the table has no such technology, or time_s is outside the measured times.
    """
    rows = levels[levels.technology == technology]
    if rows.empty:
        known = ", ".join(sorted(levels.technology.unique()))
        raise ValueError(f"technology must be in the level table ({known}), got {technology!r}")
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
    """Make a model of the measured spread alone: no drift, no skewness, no tails.

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
    """Make a model of the whole measured error: drift, spread, skewness and tails.

    Args:
        levels: rows of one technology at one time, by conductance (see `at_time`).

    Returns:
        The model, named after the technology with `_quantiles` behind it.
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
        The model, named after the technology with `_smooth` behind it.
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
    """Make models of one technology at several times, under which a chip ages as measured.

    A Spearman correlation rho of errors at consecutive measured times becomes one of normal
    scores, r = 2 sin(pi rho / 6) (Pearson, 1907). Times a share s of the logarithmic time between
    them apart correlate as r^s, as in an Ornstein-Uhlenbeck process in log time (our choice):
    a time in between leaves the correlation of the measured ones as it was.

    Args:
        levels: level table.
        ranks: table of `neft.characterize.levels.rank_correlations`.
        technology: value of their columns of that name.
        times: increasing, s, as `at_time` takes them; all measured ones if None.

    Returns:
        Time (s) -> model.

    Raises:
        ValueError: a table lacks the technology, or `ranks` a time of the level table; times not
            increasing, outside the measured range, or between measured times with r <= 0.
    """
    rows = ranks[ranks.technology == technology].sort_values("time_s")
    measured = [*rows.time_s[:1], *rows.next_time_s]
    known = sorted(levels.time_s[levels.technology == technology].unique())
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
    """Correlate normal scores at two times of one technology, by the steps that lie between."""
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
    """Maximum-likelihood Gaussian of one spread for all levels, each about its own mean.

    Args:
        levels: rows of one technology and time of a level table.

    Returns:
        The model, and sigma_d: the standard deviation pooled over the levels, weighted by n - 1.
    """
    model = RatioGaussian("constant", "pooled over the levels", ratio=1)
    return model, _pooled(levels)


def fit_ratio(levels: pd.DataFrame) -> tuple[RatioGaussian, float]:
    """Maximum-likelihood s-ratio Gaussian, each level about its own mean.

    s is the ratio of the spreads pooled over the middle levels (0.25 < g < 0.75) and over the
    outer ones.

    Args:
        levels: rows of one technology and time of a level table.

    Returns:
        The model, and sigma_d = (pooled outer spread) * sqrt(0.4 s^2 + 0.6).

    Raises:
        ValueError: the middle or the outer zone has no level.
    """
    middle = (levels.g > 0.25) & (levels.g < 0.75)
    if middle.all() or not middle.any():
        raise ValueError("levels must cover the middle (0.25 < g < 0.75) and the outer zone")
    inner, outer = _pooled(levels[middle]), _pooled(levels[~middle])
    s = inner / outer
    model = RatioGaussian("s-ratio", "fitted to the levels", ratio=s)
    return model, outer * (0.4 * s**2 + 0.6) ** 0.5


def _pooled(levels: pd.DataFrame) -> float:
    return float(np.average(levels["std"] ** 2, weights=levels.n - 1) ** 0.5)


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
    """Set the measured quantiles of one level against those of Gaussian fits.

    Args:
        row: one row of a level table.
        fits: label -> (model, sigma_d), Gaussian models.

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
