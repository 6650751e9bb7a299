"""Which variation model do the reads support? Candidates, each fitted to all levels.

From the simplest: a constant Gaussian, the two-zone s-ratio Gaussian of the published presets
(both with mean zero), a Gaussian with smooth mu(g) and sigma(g), and the reads' own quantiles.
`neft.characterize.model_selection` judges them, `neft.characterize.parameter_intervals` says how
sure their parameters are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy import interpolate, optimize, stats

Groups = Sequence[np.ndarray]


@dataclass(frozen=True)
class Fit:
    """One candidate's distribution of the error at each level.

    Args:
        name: of the candidate.
        parameters: what was fitted, by name; empty for candidates without a few parameters.
        mean: of the error at each level, fractions of the full range; [levels].
        sigma: its standard deviation, [levels].
        samples: sorted errors at each level, for the candidate that keeps them all.
    """

    name: str
    parameters: dict[str, float]
    mean: np.ndarray
    sigma: np.ndarray
    samples: tuple[np.ndarray, ...] = field(default=(), repr=False)

    def quantiles(self, level: int, probabilities: np.ndarray) -> np.ndarray:
        """Return the error's quantiles at a level."""
        if self.samples:
            return np.quantile(self.samples[level], probabilities)
        return stats.norm.ppf(probabilities, self.mean[level], self.sigma[level])

    def cdf(self, level: int, errors: np.ndarray) -> np.ndarray:
        """Return the probability of an error at most as large, at a level."""
        if self.samples:
            known = self.samples[level]
            return (np.searchsorted(known, errors, side="right") + 0.5) / (len(known) + 1)
        return stats.norm.cdf(errors, self.mean[level], self.sigma[level])


def constant(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian with mean 0 and one sigma (maximum likelihood)."""
    sigma = _size(np.concatenate(groups))
    return Fit("constant", {"sigma_d": sigma}, np.zeros(len(g)), np.full(len(g), sigma))


def s_ratio(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian with mean 0 and a sigma each for 0.25 < g < 0.75 and the rest (likewise)."""
    middle = zones(g)
    inner, outer = (
        _size(np.concatenate([e for e, where in zip(groups, zone, strict=True) if where]))
        for zone in (middle, ~middle)
    )
    s = inner / outer
    parameters = {"s": s, "sigma_d": outer * np.sqrt(0.4 * s**2 + 0.6)}
    return Fit("s_ratio", parameters, np.zeros(len(g)), np.where(middle, inner, outer))


def zones(g: np.ndarray) -> np.ndarray:
    """Say which levels the s-ratio model calls middle ones.

    Raises:
        ValueError: all or none of them.
    """
    middle = (g > 0.25) & (g < 0.75)
    if middle.all() or not middle.any():
        raise ValueError("g must have levels in and outside of 0.25 < g < 0.75")
    return middle


def smooth(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian whose mu(g) is a smoothing spline and whose sigma(g) rises, then falls.

    The spline's smoothness is chosen by generalised cross-validation; log sigma is the best
    unimodal fit by weighted least squares, rising or falling throughout included. Levels with
    fewer reads, or a wider spread for the mean, weigh less.
    """
    n = np.array([len(errors) for errors in groups])
    each = levelwise(g, groups)
    return Fit("smooth", {}, *smoothed(g, n, each.mean, each.sigma))


def levelwise(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian with each level's own mean and standard deviation: what `smooth` smooths."""
    means, spreads = zip(*((e.mean(), e.std(ddof=1)) for e in groups), strict=True)
    return Fit("levelwise", {}, np.array(means), np.array(spreads))


def smoothed(
    g: np.ndarray, n: np.ndarray, means: np.ndarray, spreads: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth the levels' means and standard deviations as the smooth candidate does.

    Args:
        g: mean conductance of each level, increasing; at least 5.
        n: reads in each level.
        means: of the error.
        spreads: its standard deviations.

    Returns:
        mu and sigma at each level.
    """
    mean = interpolate.make_smoothing_spline(g, means, w=n / spreads**2)(g)
    return mean, np.exp(_unimodal(np.log(spreads), n))


def quantiles(g: np.ndarray, groups: Groups) -> Fit:
    """The reads themselves, level by level."""
    means, spreads = ([f(e) for e in groups] for f in (np.mean, np.std))
    samples = tuple(np.sort(errors) for errors in groups)
    return Fit("quantiles", {}, np.array(means), np.array(spreads), samples)


Candidate = Callable[[np.ndarray, Groups], Fit]
CANDIDATES: tuple[Candidate, ...] = (constant, s_ratio, smooth, quantiles)
"""From the simplest to the richest."""


def _size(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _unimodal(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Best fit that rises to some place and falls behind it, by weighted least squares."""

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
