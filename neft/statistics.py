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
