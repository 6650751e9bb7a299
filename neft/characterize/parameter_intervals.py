"""95 % confidence intervals of the candidates' parameters, from the errors they are fitted to."""

import numpy as np
import pandas as pd
from scipy import stats

from neft.characterize.candidates import (
    Candidate,
    Fit,
    Groups,
    constant,
    levelwise,
    s_ratio,
    smooth,
)

PROBABILITIES = (0.01, 0.1, 0.5, 0.9, 0.99)
COLUMNS = ["candidate", "place", "parameter", "value", "low", "high"]


def intervals(g: np.ndarray, groups: Groups, *, rng: np.random.Generator) -> pd.DataFrame:
    """Compute the intervals of all candidates' parameters.

    Args:
        g: mean conductance of each level, increasing.
        groups: one array of errors per level, one value per cell.
        rng: draws the resamples of `bootstrap`.

    Returns:
        The tables of `bootstrap` for each Gaussian candidate, and that of `order_statistics`.
    """
    gaussian = [bootstrap(each, g, groups, rng=rng) for each in (constant, s_ratio, smooth)]
    return pd.concat([*gaussian, order_statistics(groups)], ignore_index=True)


def bootstrap(
    candidate: Candidate, g: np.ndarray, groups: Groups, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Compute percentile intervals of a Gaussian candidate from 200 resamples of each level.

    For `smooth`, the intervals are those of each level's own mean and standard deviation, shifted
    to the smooth value. Smoothing both the reads and their resamples has a bias: the percentile
    intervals of `smooth` itself covered a peak or a flat end in only 80 to 89 of 100 repetitions.
    The shifted ones are slightly too long, as smoothing brings a level nearer to the truth. With
    heavy tails a bootstrap interval of a standard deviation tends to be too short.

    Args:
        candidate: a Gaussian one of `neft.characterize.candidates.CANDIDATES`.
        g: mean conductance of each level.
        groups: one array of errors per level, one value per cell.
        rng: draws the resamples.

    Returns:
        Columns candidate, place (index of the level in `g`; none for a parameter of the whole
        range), parameter, value, low, high. The parameters of `smooth` are mean and sigma of each
        level.
    """
    fit = candidate(g, groups)
    resampled = levelwise if candidate is smooth else candidate
    own, value = _parameters(resampled(g, groups)), _parameters(fit)
    draws = [_parameters(resampled(g, [rng.choice(e, len(e)) for e in groups])) for _ in range(200)]
    low, high = np.percentile(draws, [2.5, 97.5], axis=0) + value - own
    count = len(groups)
    places = [None] * len(fit.parameters) or [*range(count), *range(count)]
    names = list(fit.parameters) or ["mean"] * count + ["sigma"] * count
    rows = zip([fit.name] * len(names), places, names, value, low, high, strict=True)
    return pd.DataFrame(rows, columns=COLUMNS)


def _parameters(fit: Fit) -> np.ndarray:
    return np.array([*fit.parameters.values()] or [*fit.mean, *fit.sigma])


def order_statistics(groups: Groups) -> pd.DataFrame:
    """Compute distribution-free intervals of each level's quantiles at `PROBABILITIES`.

    The ends are two of the level's errors, whose ranks follow from the binomial distribution
    (Conover, Practical Nonparametric Statistics, 1999, section 3.2). Bootstrap intervals would
    cover the quantiles at 1 % and 99 % of 500 reads in only 86 to 88 of 100 repetitions.

    Returns:
        The columns of `bootstrap`, parameters q0.01, ...; an end is NaN where the reads are too few
        (below 368 for 1 % and 99 %).
    """
    rows = []
    for place, errors in enumerate(groups):
        for p, value in zip(PROBABILITIES, np.quantile(errors, PROBABILITIES), strict=True):
            ends = stats.quantile_test(errors, p=p).confidence_interval(0.95)
            rows.append(("quantiles", place, f"q{p:g}", value, *ends))
    return pd.DataFrame(rows, columns=COLUMNS)
