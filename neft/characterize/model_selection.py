"""Compare the candidate models: fit on half of the cells of each level, test on the other half."""

import warnings

import numpy as np
import pandas as pd
from scipy import stats

from neft.characterize.candidates import CANDIDATES, Fit, Groups

PROBABILITIES = np.arange(0.005, 1, 0.01)


def pinball(fit: Fit, groups: Groups) -> np.ndarray:
    """Score a fit on errors by the mean quantile (pinball) loss over `PROBABILITIES`.

    This is a proper score for any distribution: half the continuous ranked probability score, up
    to the grid of probabilities (Gneiting and Raftery, doi 10.1198/016214506000001437).

    Returns:
        One score per error, level after level; smaller is better.
    """
    scores = []
    for level, errors in enumerate(groups):
        miss = errors[:, None] - fit.quantiles(level, PROBABILITIES)
        scores.append(np.maximum(PROBABILITIES * miss, (PROBABILITIES - 1) * miss).mean(1))
    return np.concatenate(scores)


def anderson_darling(probabilities: np.ndarray) -> float:
    """Anderson-Darling distance A^2 between a sample and a distribution, from its cdf values.

    A^2 = -n - sum_i (2 i - 1) (ln F(x_i) + ln(1 - F(x_(n+1-i)))) / n (Anderson and Darling,
    doi 10.1214/aoms/1177729437). F is kept away from 0 and 1 by the machine epsilon.
    """
    n, least = len(probabilities), np.finfo(float).eps
    f = np.sort(np.clip(probabilities, least, 1 - least))
    i = np.arange(1, n + 1)
    return float(-n - np.sum((2 * i - 1) * (np.log(f) + np.log1p(-f[::-1]))) / n)


def compare(
    g: np.ndarray, groups: Groups, *, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fit every candidate on a random half of each level's cells and test it on the other half.

    Args:
        g: mean conductance of each level, increasing.
        groups: one array of errors per level, one value per cell, fractions of the full range.
        rng: draws the halves.

    Returns:
        The comparison, one row per candidate: its parameters, fitted to all cells; `pinball`, its
        mean held-out score; `behind_best` and `behind_best_se`, the difference from the best
        candidate's score and the standard error of this paired difference; `log_likelihood`, held
        out, per read (Gaussians); `ks_median` and `ad_median`, its median distances over the
        levels; `ks_rejected`, the number of levels with `ks_p` below 1 %; `aic` on all cells (for
        the two with parameters of the whole range); `adequate`, whether the score is within two
        standard errors of the best.

        The distances, one row per candidate and level: candidate, place (index of the level in
        `g`), and the columns of `distances`.

    Raises:
        ValueError: fewer than two levels, or a level with fewer than four errors.
    """
    least = min(map(len, groups), default=0)
    if len(groups) < 2 or least < 4:
        rule = "groups must be at least 2 levels of at least 4 reads each at every time"
        raise ValueError(f"{rule}, got {len(groups)}, the smallest of {least}")
    shuffled = [rng.permutation(errors) for errors in groups]
    train = [errors[: len(errors) // 2] for errors in shuffled]
    test = [errors[len(errors) // 2 :] for errors in shuffled]
    fits = [candidate(g, train) for candidate in CANDIDATES]
    scores = {fit.name: pinball(fit, test) for fit in fits}
    best = min(scores, key=lambda name: scores[name].mean())
    far = {fit.name: distances(fit, test) for fit in fits}
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
                "ks_median": far[fit.name].ks.median(),
                "ks_rejected": (far[fit.name].ks_p < 0.01).sum(),
                "ad_median": far[fit.name].ad.median(),
                "aic": _aic(whole, groups),
                "adequate": bool(behind.mean() <= 2 * error),
            }
        )
    return pd.DataFrame(rows), pd.concat(far, names=["candidate", "place"]).reset_index()


def distances(fit: Fit, groups: Groups) -> pd.DataFrame:
    """Measure the distance between errors and a fit, level by level.

    Returns:
        One row per level. Columns ks and ks_p: distance and p-value of the Kolmogorov-Smirnov test
        (with two samples for the candidate that keeps its own, with one for Gaussians); ad: the
        Anderson-Darling distance, which gives weight to the tails.
    """
    rows = []
    for level, errors in enumerate(groups):
        if fit.samples:
            ks, p = _two_samples(errors, fit.samples[level])
        else:
            ks, p = stats.ks_1samp(errors, lambda x, level=level: fit.cdf(level, x))
        rows.append((ks, p, anderson_darling(fit.cdf(level, errors))))
    return pd.DataFrame(rows, columns=["ks", "ks_p", "ad"])


def _two_samples(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Return distance and p-value of the Kolmogorov-Smirnov test of two samples.

    Where the exact p-value is 1, rounding may lift it above 1. SciPy then warns and takes the
    asymptotic one, which is 1 up to 1e-4 there.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "ks_2samp: Exact calculation unsuccessful")
        test = stats.ks_2samp(first, second)
    return test.statistic, test.pvalue


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
