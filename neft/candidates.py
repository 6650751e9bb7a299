"""Which variation model do the reads support? Candidates, fitted and compared at each level.

From the simplest: a constant Gaussian, the two-zone s-ratio Gaussian of the published presets
(both with mean zero), a Gaussian with smooth mu(g) and sigma(g), and the reads' own quantiles.
Each is fitted on half of the cells and judged on the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import interpolate, optimize, stats

PROBABILITIES = np.arange(0.005, 1, 0.01)
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
    middle = (g > 0.25) & (g < 0.75)
    if middle.all() or not middle.any():
        raise ValueError("g must have levels in and outside of 0.25 < g < 0.75")
    inner, outer = (
        _size(np.concatenate([e for e, where in zip(groups, zone, strict=True) if where]))
        for zone in (middle, ~middle)
    )
    s = inner / outer
    parameters = {"s": s, "sigma_d": outer * np.sqrt(0.4 * s**2 + 0.6)}
    return Fit("s_ratio", parameters, np.zeros(len(g)), np.where(middle, inner, outer))


def smooth(g: np.ndarray, groups: Groups) -> Fit:
    """Gaussian whose mu(g) is a smoothing spline and whose sigma(g) rises, then falls.

    The spline's smoothness is chosen by generalised cross-validation; log sigma is the best
    unimodal fit by weighted least squares, rising or falling throughout included. Levels with
    fewer reads, or a wider spread for the mean, weigh less.
    """
    n = np.array([len(errors) for errors in groups])
    means = np.array([errors.mean() for errors in groups])
    spreads = np.array([errors.std(ddof=1) for errors in groups])
    return Fit("smooth", {}, *smoothed(g, n, means, spreads))


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


def pinball(fit: Fit, groups: Groups) -> np.ndarray:
    """Score a fit on errors: the mean quantile (pinball) loss over `PROBABILITIES`.

    A proper score for any distribution, half the continuous ranked probability score up to the
    grid of probabilities (Gneiting and Raftery, doi 10.1198/016214506000001437).

    Returns:
        A score for each error, level after level; smaller is better.
    """
    scores = []
    for level, errors in enumerate(groups):
        miss = errors[:, None] - fit.quantiles(level, PROBABILITIES)
        scores.append(np.maximum(PROBABILITIES * miss, (PROBABILITIES - 1) * miss).mean(1))
    return np.concatenate(scores)


def anderson_darling(probabilities: np.ndarray) -> float:
    """Anderson-Darling distance A^2 of a sample to a distribution, from the sample's cdf values.

    A^2 = -n - sum_i (2 i - 1) (ln F(x_i) + ln(1 - F(x_(n+1-i)))) / n (Anderson and Darling,
    doi 10.1214/aoms/1177729437), with F kept off 0 and 1 by the least that a float can tell.
    """
    n, least = len(probabilities), np.finfo(float).eps
    f = np.sort(np.clip(probabilities, least, 1 - least))
    i = np.arange(1, n + 1)
    return float(-n - np.sum((2 * i - 1) * (np.log(f) + np.log1p(-f[::-1]))) / n)


def compare(g: np.ndarray, groups: Groups, *, rng: np.random.Generator) -> pd.DataFrame:
    """Fit every candidate on half of each level's cells and judge it on the other half.

    Args:
        g: mean conductance of each level, increasing.
        groups: errors at each level, a cell each, fractions of the full range.
        rng: decides who is in which half.

    Returns:
        A row a candidate: its parameters, fitted to all cells; `pinball`, its mean held-out
        score; `behind_best` and `behind_best_se`, how far that is behind the best candidate's,
        with the standard error of this paired difference; `log_likelihood`, held out, a read
        (Gaussians); `ks_median` and `ad_median`, Kolmogorov-Smirnov and Anderson-Darling
        distances over the levels; `ks_rejected`, levels where the two-sample Kolmogorov-Smirnov
        test (one-sample for Gaussians) rejects it at 1 %; `aic` on all cells (the two with a few
        parameters); `adequate`, whether it is within two standard errors of the best.

    Raises:
        ValueError: fewer than five levels, or a level with fewer than four errors.
    """
    if len(groups) < 5 or min(map(len, groups)) < 4:
        raise ValueError("groups must be at least 5 levels of at least 4 errors each")
    shuffled = [rng.permutation(errors) for errors in groups]
    train = [errors[: len(errors) // 2] for errors in shuffled]
    test = [errors[len(errors) // 2 :] for errors in shuffled]
    fits = [candidate(g, train) for candidate in CANDIDATES]
    scores = {fit.name: pinball(fit, test) for fit in fits}
    best = min(scores, key=lambda name: scores[name].mean())
    rows = []
    for candidate, fit in zip(CANDIDATES, fits, strict=True):
        whole = candidate(g, groups)
        behind = scores[fit.name] - scores[best]
        error = float(behind.std() / np.sqrt(len(behind)))
        rows.append(
            {
                "candidate": fit.name,
                **whole.parameters,
                "pinball": scores[fit.name].mean(),
                "behind_best": behind.mean(),
                "behind_best_se": error,
                "log_likelihood": _log_likelihood(fit, test),
                **_distances(fit, test),
                "aic": _aic(whole, groups),
                "adequate": bool(behind.mean() <= 2 * error),
            }
        )
    return pd.DataFrame(rows)


def _distances(fit: Fit, groups: Groups) -> dict[str, float]:
    tests = [
        stats.ks_2samp(errors, fit.samples[level])
        if fit.samples
        else stats.ks_1samp(errors, lambda x, level=level: fit.cdf(level, x))
        for level, errors in enumerate(groups)
    ]
    far = [anderson_darling(fit.cdf(level, errors)) for level, errors in enumerate(groups)]
    return {
        "ks_median": float(np.median([test.statistic for test in tests])),
        "ks_rejected": sum(test.pvalue < 0.01 for test in tests),
        "ad_median": float(np.median(far)),
    }


def _log_likelihood(fit: Fit, groups: Groups) -> float:
    if fit.samples:
        return float("nan")
    logs = [
        stats.norm.logpdf(errors, fit.mean[level], fit.sigma[level])
        for level, errors in enumerate(groups)
    ]
    return float(np.concatenate(logs).mean())


def _aic(fit: Fit, groups: Groups) -> float:
    if not fit.parameters:
        return float("nan")
    total = _log_likelihood(fit, groups) * sum(map(len, groups))
    return 2 * len(fit.parameters) - 2 * total


def bootstrap(
    candidate: Candidate,
    g: np.ndarray,
    groups: Groups,
    *,
    rng: np.random.Generator,
    repeats: int = 200,
) -> pd.DataFrame:
    """Give a candidate's parameters 95 % intervals by resampling the cells of each level.

    Args:
        candidate: one of `CANDIDATES`.
        g: mean conductance of each level.
        groups: errors at each level, a cell each.
        rng: draws the resamples.
        repeats: number of resamples.

    Returns:
        Columns candidate, parameter, value, low, high (percentile interval). A candidate without
        a few parameters has `mean[0]`, `sigma[0]`, ... of each level instead.
    """
    fit = candidate(g, groups)
    value = _named(fit)
    draws = [_named(candidate(g, [rng.choice(e, len(e)) for e in groups])) for _ in range(repeats)]
    low, high = np.percentile(pd.DataFrame(draws), [2.5, 97.5], axis=0)
    return pd.DataFrame(
        {
            "candidate": fit.name,
            "parameter": list(value),
            "value": list(value.values()),
            "low": low,
            "high": high,
        }
    )


def _named(fit: Fit) -> dict[str, float]:
    levels = {f"mean[{i}]": value for i, value in enumerate(fit.mean)}
    levels |= {f"sigma[{i}]": value for i, value in enumerate(fit.sigma)}
    return fit.parameters or levels
