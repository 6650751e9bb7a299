"""Variation models from a level table, and simpler ones fitted to it."""

import numpy as np
import pandas as pd
import torch

from neft.variation import MeasuredGaussian, RatioGaussian, VariationModel


def from_levels(levels: pd.DataFrame, technology: str, time_s: float) -> MeasuredGaussian:
    """Take the measured spread of one technology at one time from a level table.

    Args:
        levels: level table (see `neft.measurements.level_table`).
        technology: value of its column of that name.
        time_s: seconds since the first read; one of the measured times.

    Returns:
        The model, named after the technology.

    Raises:
        ValueError: the table has no such technology or time.
    """
    rows = levels[levels.technology == technology]
    if rows.empty:
        known = ", ".join(sorted(levels.technology.unique()))
        raise ValueError(f"technology must be in the level table ({known}), got {technology!r}")
    at_time = rows[rows.time_s == time_s].sort_values("g")
    if at_time.empty:
        known = ", ".join(f"{t:g}" for t in sorted(rows.time_s.unique()))
        raise ValueError(f"time_s of {technology} must be measured ({known}), got {time_s!r}")
    return MeasuredGaussian(
        name=technology,
        source=f"level table, {technology}, {time_s:g} s after the first read",
        time_s=float(time_s),
        g=tuple(map(float, at_time.g)),
        sigma=tuple(map(float, at_time["std"])),
    )


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
        pd.DataFrame({"model": label, "g": g, "sigma": (sigma_d * model.spread(g)).expand_as(g)})
        for label, (model, sigma_d) in fits.items()
    )
