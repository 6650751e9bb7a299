"""Confidence intervals: of means and proportions, and of accuracies from crossed seeds x chips.

Every training seed meets the same chips, so a draw is the sum of a seed's, a chip's and their own
random part (two-way crossed random effects). An interval over seeds alone has no trace of what
their common chips do to all of them, one over all draws takes for independent what is not: both
are too short.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special, stats


@dataclass(frozen=True)
class Interval:
    """A mean with its confidence interval, in the units of the draws."""

    mean: float
    low: float
    high: float


def student_interval(draws: Sequence[float], level: float = 0.95) -> Interval:
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


def wilson_interval(successes: int, trials: int, level: float = 0.95) -> Interval:
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


class CrossedEffects(NamedTuple):
    """Parts of a table of draws.

    Args:
        of_seed: [seeds], of_chip: [chips]: deviations of their means from the mean of all.
        variances: of the seeds', the chips' and the remaining part, estimated by the mean squares
            (of a table with one seed or chip: not known, NaN).
    """

    of_seed: np.ndarray
    of_chip: np.ndarray
    variances: tuple[float, float, float]


def crossed_effects(draws: np.ndarray) -> CrossedEffects:
    """Split draws, [seeds, chips], into their parts.

    Raises:
        ValueError: draws of another shape or without a number.
    """
    draws = np.asarray(draws, dtype=float)
    if draws.ndim != 2 or draws.size == 0:
        raise ValueError(f"draws must be [seeds, chips], got shape {draws.shape}")
    seeds, chips = draws.shape
    mean = draws.mean()
    of_seed, of_chip = draws.mean(1) - mean, draws.mean(0) - mean
    if min(seeds, chips) < 2:
        return CrossedEffects(of_seed, of_chip, (float("nan"),) * 3)
    remainder = draws - mean - of_seed[:, None] - of_chip
    rest = (remainder**2).sum() / ((seeds - 1) * (chips - 1))
    seed = max(of_seed.var(ddof=1) - rest / chips, 0.0)
    chip = max(of_chip.var(ddof=1) - rest / seeds, 0.0)
    return CrossedEffects(of_seed, of_chip, (float(seed), float(chip), float(rest)))


def crossed_bootstrap(
    draws: np.ndarray, *, generator: np.random.Generator, resamples: int = 10_000
) -> np.ndarray:
    """Resample the mean over training seeds and chips.

    The mean, plus a mean of resampled effects of seeds, plus one of chips. Effects of seeds are
    taken as they are, with what the remainder adds to them; those of chips, where it must not
    count again, are shrunk to their own variance (Carpenter et al., doi 10.1111/1467-9876.00415).
    Resampling n effects makes them too alike, and gives no hint that their spread itself is
    uncertain: each resample's mean is multiplied by sqrt(n / chi^2_(n-1)), so that a level alone
    gives the width of Student's t (Hesterberg, doi 10.1080/00031305.2015.1089789, expands
    percentiles to the same end).

    Of 4,000 simulated experiments with normal effects, 95 % intervals cover the truth in 94.7 to
    96.4 % with 5 or 10 seeds and in 94.7 to 97.7 % with 3, in seven mixtures of seeds, chips and
    remainder. Satterthwaite's t does in 92.4 to 97.5 %, plain percentiles of resampled seeds and
    chips (of 1,000) in 74 to 100 %. Where seeds dominate and their effects are as skewed as an
    exponential's, so few seeds tell too little: 88 to 92 %, and 87 to 91 % by Satterthwaite's t.

    Args:
        draws: [seeds, chips].
        generator: draws the resamples; its state alone decides them.
        resamples: their number.

    Returns:
        Means, [resamples]; their percentiles bound the mean. All NaN with one seed; one chip
        says nothing of other chips, and leaves the seeds' part alone.

    Raises:
        ValueError: draws of another shape or without a number.
    """
    of_seed, of_chip, (_, chip, _) = crossed_effects(draws)
    means = np.mean(draws) + _resampled(of_seed, generator, resamples)
    if chip > 0:
        own = of_chip * np.sqrt(chip / of_chip.var(ddof=1))
        means += _resampled(own, generator, resamples)
    return means


def _resampled(values: np.ndarray, generator: np.random.Generator, resamples: int) -> np.ndarray:
    n = len(values)
    if n == 1:
        return np.full(resamples, np.nan)
    means = values[generator.integers(n, size=(resamples, n))].mean(1)
    return means * np.sqrt(n / generator.chisquare(n - 1, resamples))


def quantile_bounds(
    draws: np.ndarray, probability: float, level: float = 0.95
) -> tuple[float, float]:
    """Bound a quantile of the accuracy of a random seed's network on a random chip.

    Between two of all draws, whose ranks follow from the binomial distribution (Conover, Practical
    Nonparametric Statistics, 1999, section 3.2) of n draws / (1 + (chips - 1) r_s + (seeds - 1)
    r_c) of them, the number of independent draws that would say as much (as Korn and Graubard,
    Survey Methodology 24, 1998, count them for proportions). r_s (r_c) is how far two draws of one
    seed (chip) are correlated in being below the quantile: a share of variance among normal
    effects, turned into a correlation of their exceedances by Owen's T (doi
    10.1214/aoms/1177728074).

    Of 1,000 simulated experiments with 3 to 10 seeds, 50 or 100 chips and normal effects, 95 %
    intervals of the 5 % quantile cover it in 94 to 100 %, of the 1 % quantile in 97 to 100 %; with
    effects as skewed as an exponential's in 92 to 99 and 96 to 100 %. As if all draws were
    independent, they would in 27 to 99 %.

    Args:
        draws: [seeds, chips].
        probability: of a draw below the quantile, between 0 and 1.
        level: confidence, between 0 and 1.

    Returns:
        Bounds. An end is NaN where draws are too few to have one: a lower end of the 1 % quantile
        needs 368 independent ones (0.99^368 < 0.025), of the 5 % quantile 72. With one seed or
        one chip, what several share is not known, and there are no bounds.

    Raises:
        ValueError: probability or level outside (0, 1), or draws that are no table.
    """
    for name, value in (("probability", probability), ("level", level)):
        if not 0 < value < 1:
            raise ValueError(f"{name} must be between 0 and 1, got {value}")
    variances = crossed_effects(draws).variances
    if np.isnan(variances[0]):
        return float("nan"), float("nan")
    ordered = np.sort(draws, axis=None)
    seeds, chips = np.shape(draws)
    shares = np.array(variances[:2]) / (sum(variances) or 1.0)
    z, spread = stats.norm.ppf(probability), probability * (1 - probability)
    together = 1 - 2 * special.owens_t(z, np.sqrt((1 - shares) / (1 + shares))) / spread
    worth = 1 + (chips - 1) * together[0] + (seeds - 1) * together[1]
    independent = max(int(ordered.size / worth + 1e-9), 1)
    low, high = stats.binom.ppf([(1 - level) / 2, (1 + level) / 2], independent, probability)
    each = ordered.size / independent  # draws for each independent one
    first, last = int((low - 1) * each), int(np.ceil((high + 1) * each - 1e-9)) - 1
    return (
        float(ordered[first]) if low >= 1 else float("nan"),
        float(ordered[last]) if high < independent else float("nan"),
    )
