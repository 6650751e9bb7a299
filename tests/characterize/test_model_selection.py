"""Laws of comparing candidate models on cells that they were not fitted to."""

import math
import warnings

import numpy as np
import pytest
from helpers.truths import TRUTHS, G
from scipy import stats

from neft.characterize.candidates import CANDIDATES, Fit
from neft.characterize.model_selection import (
    PROBABILITIES,
    anderson_darling,
    compare,
    distances,
    pinball,
)


@pytest.mark.parametrize("name", TRUTHS)
def test_the_simplest_adequate_candidate_is_the_truth(name: str) -> None:
    """In at least 18 of 20 repetitions; at two standard errors one in 40 may go wrong by chance."""
    right = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        table, _ = compare(G, TRUTHS[name](rng, 400), rng=rng)
        right += table.candidate[table.adequate].iloc[0] == name
    assert right >= 18


def test_pinball_score_equals_a_loop() -> None:
    groups = TRUTHS["smooth"](np.random.default_rng(2), 5)
    for candidate in CANDIDATES:
        fit = candidate(G, groups)
        slow = []
        for level, errors in enumerate(groups):
            for error in errors:
                losses = []
                for p in PROBABILITIES:
                    q = float(fit.quantiles(level, np.array([p]))[0])
                    losses.append(p * (error - q) if error >= q else (1 - p) * (q - error))
                slow.append(sum(losses) / len(losses))
        assert pinball(fit, groups) == pytest.approx(slow)


def test_pinball_score_of_a_normal_is_half_its_crps() -> None:
    """CRPS of a standard normal at 0: 2 phi(0) - 1 / sqrt(pi) (Gneiting and Raftery)."""
    fit = Fit("one", {}, np.zeros(1), np.ones(1))
    crps = 2 * stats.norm.pdf(0) - 1 / math.sqrt(math.pi)
    assert 2 * pinball(fit, [np.zeros(1)])[0] == pytest.approx(crps, rel=0.005)


def test_anderson_darling_distance_is_scipys() -> None:
    x = np.random.default_rng(3).normal(2, 3, 50)
    ours = anderson_darling(stats.norm.cdf(x, x.mean(), x.std(ddof=1)))
    assert ours == pytest.approx(stats.anderson(x, "norm", method="interpolate").statistic)


def test_tests_reject_the_truth_no_more_often_than_chance_allows() -> None:
    """At 1 %, 8 levels, 30 repetitions: more than 9 rejections have a chance below 0.1 %."""
    rejected = dict.fromkeys(TRUTHS, 0)
    for seed in range(30):
        for name, truth in TRUTHS.items():
            rng = np.random.default_rng(seed)
            table, _ = compare(G, truth(rng, 200), rng=rng)
            rejected[name] += table.set_index("candidate").ks_rejected["quantiles"]
    assert max(rejected.values()) <= 9


def test_tests_reject_a_gaussian_for_skewed_reads() -> None:
    rng = np.random.default_rng(0)
    table = compare(G, TRUTHS["quantiles"](rng, 400), rng=rng)[0].set_index("candidate")
    assert table.ks_rejected["smooth"] == len(G)
    assert table.ad_median["smooth"] > 5 * table.ad_median["quantiles"]


def test_aic_is_that_of_the_gaussian_likelihood_of_all_cells() -> None:
    """2 k - 2 log L at the largest likelihood: one spread for all cells, or one in each zone."""
    rng = np.random.default_rng(4)
    groups = [errors[: 9 + i] for i, errors in enumerate(TRUTHS["s_ratio"](rng, 20))]
    outer, middle = (np.concatenate(part) for part in (groups[:2] + groups[6:], groups[2:6]))

    def deviance(errors: np.ndarray) -> float:
        return -2 * stats.norm.logpdf(errors, 0, np.sqrt(np.mean(errors**2))).sum()

    aic = compare(G, groups, rng=rng)[0].set_index("candidate").aic
    assert aic["constant"] == pytest.approx(2 + deviance(np.concatenate(groups)))
    assert aic["s_ratio"] == pytest.approx(4 + deviance(outer) + deviance(middle))
    assert aic[["smooth", "quantiles"]].isna().all()


def test_halves_are_random_and_share_no_cell_whatever_the_order_of_cells() -> None:
    """Four errors in rising order: two of the six possible halves do not overlap in their range.

    Two samples of two errors are then a distance of 1 apart, else 0.5; with a shared error, less.
    """
    levels = 300
    g, rng = (np.arange(levels) + 0.5) / levels, np.random.default_rng(7)
    _, far = compare(g, list(np.sort(rng.normal(size=(levels, 4)))), rng=rng)
    ks = far.ks[far.candidate == "quantiles"]
    assert set(ks) == {0.5, 1.0}
    assert abs((ks == 1).mean() - 1 / 3) < 4 * math.sqrt(1 / 3 * 2 / 3 / levels)


@pytest.mark.parametrize("shape", [(1, 10), (8, 3)])
def test_too_few_reads_are_refused(shape: tuple[int, int]) -> None:
    groups = list(np.ones(shape))
    with pytest.raises(ValueError, match="at least 2 levels of at least 4 reads"):
        compare(G[: shape[0]], groups, rng=np.random.default_rng(0))


def test_distances_of_a_level_are_those_of_scipys_tests() -> None:
    rng = np.random.default_rng(5)
    train, test = ([rng.normal(0, 0.05, 60) for _ in G] for _ in range(2))
    fit = CANDIDATES[0](G, train)
    table = distances(fit, test)
    for level, errors in enumerate(test):
        expected = stats.kstest(errors, "norm", (0, fit.sigma[0]))
        assert (table.ks[level], table.ks_p[level]) == pytest.approx(tuple(expected))
    kept = distances(CANDIDATES[-1](G, train), test)
    for level, errors in enumerate(test):
        expected = stats.ks_2samp(errors, train[level])
        assert (kept.ks[level], kept.ks_p[level]) == pytest.approx(tuple(expected))


def test_two_near_samples_of_any_small_size_have_a_p_value_of_1_and_no_warning() -> None:
    """The samples alternate: no pair of this size is nearer, so that each is as far or farther."""
    for n in range(2, 100):
        (errors,) = sample = [np.arange(n, dtype=float)]
        fit = Fit("quantiles", {}, np.zeros(1), np.ones(1), (errors + 0.5,))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = distances(fit, sample)
        assert table.ks[0] == pytest.approx(1 / n)
        assert table.ks_p[0] == pytest.approx(1, abs=1e-4)


def test_the_comparison_summarises_its_distances() -> None:
    rng = np.random.default_rng(6)
    table, far = compare(G, TRUTHS["s_ratio"](rng, 100), rng=rng)
    assert far.groupby("candidate").place.apply(list).map(len).to_dict() == dict.fromkeys(TRUTHS, 8)
    for row in table.itertuples():
        rows = far[far.candidate == row.candidate]
        assert row.ks_rejected == sum(p < 0.01 for p in rows.ks_p)
        assert (row.ks_median, row.ad_median) == (rows.ks.median(), rows.ad.median())
