"""Intervals that hold at every look: asymptotic confidence sequences for the mean of draws."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neft._utils.checks import at_least

FIRST = 20  # number of draws at the first bound: the sequence is asymptotic


class ConfidenceSequence(NamedTuple):
    """The mean of the first n draws and its bounds, for n = 1, 2, ... draws: [draws] each."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def confidence_sequence(
    draws: ArrayLike, level: float = 0.95, *, narrowest_at: int
) -> ConfidenceSequence:
    """Bound the mean of independent draws after each draw, all bounds at once.

    With probability `level`, the mean lies between the bounds at every n, up to an error that
    vanishes as the first look moves on. So one may look after each draw and stop when 0 is
    outside; a fixed interval would raise far too many false alarms.
    To compare two methods, pass the differences of their accuracies, chip by chip.

    Half-width s_n sqrt(2 (n r^2 + 1) / (n^2 r^2) log(sqrt(n r^2 + 1) / alpha)), alpha = 1 - level,
    with s_n the standard deviation of the first n draws and
    r^2 = (-2 log(alpha) + log(-2 log(alpha)) + 1) / narrowest_at
    (Waudby-Smith et al., Time-uniform central limit theory and asymptotic confidence sequences,
    Annals of Statistics 2024, arXiv 2103.06476).

    Args:
        draws: at least one number.
        level: confidence, at least 0.5 and below 1.
        narrowest_at: number of draws for which the bounds shall be the best, a guess of where one
            will stop; to be chosen before the draws are seen.

    Returns:
        Means and bounds; the bounds before 20 draws are NaN.

    Raises:
        ValueError: no draw, level is outside [0.5, 1), or narrowest_at is below 1.
    """
    values = np.asarray(draws, dtype=float)
    if values.size == 0:
        raise ValueError("draws must not be empty")
    if not 0.5 <= level < 1:
        raise ValueError(f"level must be 0.5 to 1 (excluded), got {level}")
    at_least(1, narrowest_at=narrowest_at)
    alpha, n = 1 - level, np.arange(1, values.size + 1)
    r2 = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha)) + 1) / narrowest_at
    mean = values.cumsum() / n
    # Squares of what is left without the first draw: no cancellation far from 0.
    shifted = values - values[0]
    squares = (shifted**2).cumsum() - n * (mean - values[0]) ** 2
    spread = np.sqrt(np.maximum(squares, 0) / np.maximum(n - 1, 1))
    half = spread * np.sqrt(2 * (n * r2 + 1) / (n**2 * r2) * np.log(np.sqrt(n * r2 + 1) / alpha))
    half[: FIRST - 1] = np.nan
    return ConfidenceSequence(mean, mean - half, mean + half)
