"""Numbers in, numbers out: what draws say about what they were drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval, in the units of the draws."""

    mean: float
    low: float
    high: float


def mean_interval(draws: Sequence[float], level: float = 0.95) -> Interval:
    """Student's t interval of the mean of independent draws.

    Args:
        draws: at least one number.
        level: confidence, between 0 and 1.

    Returns:
        Mean and bounds; one draw has no bounds (NaN).

    Raises:
        ValueError: no draw, or level outside (0, 1).
    """
    values = np.asarray(draws, dtype=float)
    if values.size == 0:
        raise ValueError("draws must not be empty")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    mean = float(values.mean())
    if values.size == 1:
        return Interval(mean, float("nan"), float("nan"))
    half = stats.t.ppf((1 + level) / 2, values.size - 1) * stats.sem(values)
    return Interval(mean, mean - float(half), mean + float(half))


def crossed_interval(draws: np.ndarray, level: float = 0.95) -> Interval:
    """Interval of the mean over training seeds and chips, each seed tested on the same chips.

    A draw is the sum of a seed's, a chip's and their own random part (two-way crossed random
    effects). With mean squares MS_s, MS_c, MS_r of S seeds, C chips and the remainder, the
    variance of the mean is (MS_s + max(MS_c - MS_r, 0)) / (S C). Its degrees of freedom are
    Satterthwaite's (doi 10.2307/3002019), but no fewer than the smaller of S - 1 and C - 1: with
    a difference of mean squares they could vanish. Between seeds alone there is no trace of what
    their common chips do to all of them, so that an interval over seeds would be too short.

    Args:
        draws: [seeds, chips].
        level: confidence, between 0 and 1.

    Returns:
        Mean and bounds; one seed has no bounds (NaN), one chip those of `mean_interval`.

    Raises:
        ValueError: draws of another shape or without a number, or level outside (0, 1).
    """
    draws = np.asarray(draws, dtype=float)
    if draws.ndim != 2:
        raise ValueError(f"draws must be [seeds, chips], got shape {draws.shape}")
    seeds, chips = draws.shape
    if min(seeds, chips) < 2:
        return mean_interval(draws.mean(1), level)
    mean, of_seed, of_chip = draws.mean(), draws.mean(1), draws.mean(0)
    remainder = draws - of_seed[:, None] - of_chip + mean
    freedom = (seeds - 1) * (chips - 1)
    ms_seed, ms_chip = chips * of_seed.var(ddof=1), seeds * of_chip.var(ddof=1)
    ms_rest = (remainder**2).sum() / freedom
    total, uncertain = ms_seed, ms_seed**2 / (seeds - 1)
    if ms_chip > ms_rest:
        total += ms_chip - ms_rest
        uncertain += ms_chip**2 / (chips - 1) + ms_rest**2 / freedom
    if total == 0:
        return Interval(float(mean), float(mean), float(mean))
    degrees = max(total**2 / uncertain, min(seeds, chips) - 1)
    t = stats.t.ppf((1 + level) / 2, degrees)
    half = float(t * np.sqrt(total / draws.size))
    return Interval(float(mean), float(mean) - half, float(mean) + half)


def share_interval(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a probability (Wilson, doi 10.1080/01621459.1927.10502953).

    Args:
        successes: how often it happened.
        trials: how often it could have.
        level: confidence, between 0 and 1.

    Returns:
        The share of successes and its bounds, which are never all of nothing.

    Raises:
        ValueError: fewer successes than 0 or more than trials, no trial, or level outside (0, 1).
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"successes must be 0 to trials (at least 1), got {successes} of {trials}")
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {level}")
    bounds = stats.binomtest(successes, trials).proportion_ci(level, method="wilson")
    return Interval(successes / trials, float(bounds.low), float(bounds.high))
