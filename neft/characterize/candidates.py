"""Candidate variation models, each fitted to the errors of all levels.

From the simplest: a constant Gaussian, the two-zone s-ratio Gaussian of the published presets
(both with mean zero), a Gaussian with smooth mu(g) and sigma(g), and the reads' own quantiles.
`neft.characterize.model_selection` compares them, `neft.characterize.parameter_intervals` gives
confidence intervals of their parameters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import interpolate, optimize, stats

from neft.devices import RatioGaussian
from neft.devices.variation import is_middle

Groups = Sequence[np.ndarray]


@dataclass(frozen=True)
class Fit:
    """A fitted candidate: its distribution of the error at each level.

    Args:
        name: the candidate's name.
        parameters: fitted values by name; empty for a candidate with parameters at each level.
        mean: of the error at each level, fractions of the full range; [levels].
        sigma: standard deviation of the error, [levels].
        samples: sorted errors at each level; only of the candidate that keeps all errors.
    """

    name: str
    parameters: dict[str, float]
    mean: np.ndarray
    sigma: np.ndarray
    samples: tuple[np.ndarray, ...] = field(default=(), repr=False)

    def quantiles(self, level: int, probabilities: np.ndarray) -> np.ndarray:
        """Return quantiles of the error at a level."""
        if self.samples:
            return np.quantile(self.samples[level], probabilities)
        return stats.norm.ppf(probabilities, self.mean[level], self.sigma[level])

    def cdf(self, level: int, errors: np.ndarray) -> np.ndarray:
        """Return the cumulative distribution function of the error at a level."""
        if self.samples:
            known = self.samples[level]
            return (np.searchsorted(known, errors, side="right") + 0.5) / (len(known) + 1)
        return stats.norm.cdf(errors, self.mean[level], self.sigma[level])


def constant(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian with mean 0 and one sigma, by maximum likelihood."""
    _, sigma_d, sigma = fit_ratio_gaussian(g, *_mean_squares(groups), ratio=1)
    return Fit("constant", {"sigma_d": sigma_d}, np.zeros(len(g)), sigma)


def s_ratio(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian with mean 0 and the spread of `RatioGaussian`, by maximum likelihood."""
    s, sigma_d, sigma = fit_ratio_gaussian(g, *_mean_squares(groups))
    return Fit("s_ratio", {"s": s, "sigma_d": sigma_d}, np.zeros(len(g)), sigma)


def _mean_squares(groups: Groups) -> tuple[np.ndarray, np.ndarray]:
    return np.array([len(e) for e in groups]), np.array([np.mean(e**2) for e in groups])


def fit_ratio_gaussian(
    g: np.ndarray, n: np.ndarray, mean_square: np.ndarray, ratio: float | None = None
) -> tuple[float, float, np.ndarray]:
    """Fit a Gaussian with mean 0 and the spread of `RatioGaussian` by maximum likelihood.

    Args:
        g: mean conductance of each level.
        n: number of errors in each level.
        mean_square: of the error in each level.
        ratio: s; fitted if None. Levels that are all in the middle zone, or all outside, as those
            of devices with two levels, say nothing of s: it is 1.

    Returns:
        s, sigma_d, and the standard deviation at each level.
    """
    u = torch.tensor(g)
    if ratio is None:
        middle = is_middle(u).bool().numpy()
        ratio = 1.0
        if middle.any() and not middle.all():
            inner, outer = (np.average(mean_square[z], weights=n[z]) for z in (middle, ~middle))
            ratio = float(np.sqrt(inner / outer))
    shape = RatioGaussian("s-ratio", "", ratio=ratio).spread(u).expand_as(u).numpy()
    sigma_d = float(np.sqrt(np.average(mean_square / shape**2, weights=n)))
    return ratio, sigma_d, sigma_d * shape


def smooth(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian whose mu(g) is a smoothing spline and whose sigma(g) is unimodal.

    Generalised cross-validation chooses the spline's smoothness. log sigma is the best unimodal
    fit by weighted least squares; it may also rise or fall throughout. Levels with fewer reads
    weigh less; in the mean, so do levels with a wider spread. With fewer than 5 levels the means
    stay as they are.
    """
    n = np.array([len(errors) for errors in groups])
    each = levelwise(g, groups)
    return Fit("smooth", {}, *smoothed(g, n, each.mean, each.sigma))


def levelwise(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian with each level's own mean and standard deviation, the input of `smooth`."""
    means, spreads = zip(*((e.mean(), e.std(ddof=1)) for e in groups), strict=True)
    return Fit("levelwise", {}, np.array(means), np.array(spreads))


def smoothed(
    g: np.ndarray, n: np.ndarray, means: np.ndarray, spreads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth the means and standard deviations of levels, as `smooth` does.

    Args:
        g: mean conductance of each level, increasing.
        n: number of reads in each level.
        means: of the error in each level.
        spreads: standard deviation of the error in each level.

    Returns:
        mu and sigma at each level.
    """
    if len(g) < 5:  # too few for the spline
        mean = means
    else:
        mean = interpolate.make_smoothing_spline(g, means, w=n / spreads**2)(g)
    return mean, np.exp(_unimodal(np.log(spreads), n))


def quantiles(g: np.ndarray, groups: Groups) -> Fit:
    """Empirical distribution of the errors at each level."""
    means, spreads = ([f(e) for e in groups] for f in (np.mean, np.std))
    samples = tuple(np.sort(errors) for errors in groups)
    return Fit("quantiles", {}, np.array(means), np.array(spreads), samples)


Candidate = Callable[[np.ndarray, Groups], Fit]
CANDIDATES: tuple[Candidate, ...] = (constant, s_ratio, smooth, quantiles)
"""From the simplest to the richest."""


def _unimodal(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Fit values that rise up to one place and fall after it, by weighted least squares."""

    def split(at: int) -> np.ndarray:
        parts = ((values[:at], weights[:at], True), (values[at:], weights[at:], False))
        return np.concatenate(
            [
                optimize.isotonic_regression(v, weights=w, increasing=up).x
                for v, w, up in parts
                if len(v)
            ]
        )

    fits = [split(at) for at in range(len(values) + 1)]
    return min(fits, key=lambda fit: float(np.sum(weights * (fit - values) ** 2)))
