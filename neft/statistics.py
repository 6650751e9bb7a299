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
