"""Laws of fitting and comparing variation models."""

import math

import numpy as np
import pytest
from scipy import stats

from neft import candidates
from neft.candidates import CANDIDATES, anderson_darling, bootstrap, compare, pinball

G = (np.arange(8) + 0.5) / 8
MIDDLE = (G > 0.25) & (G < 0.75)
HUMP = 0.02 + 0.05 * np.exp(-(((G - 0.4) / 0.2) ** 2))
DRIFT = -0.04 * np.sin(math.pi * G)


def normal(mean, sigma):
    def draw(rng: np.random.Generator, n: int) -> list[np.ndarray]:
        return [
            rng.normal(m, s, n)
            for m, s in zip(np.broadcast_to(mean, 8), np.broadcast_to(sigma, 8), strict=True)
        ]

    return draw


def skewed(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    return [0.02 * (rng.lognormal(0, 1, n) - 1) for _ in G]


TRUTHS = {
    "constant": normal(0, 0.05),
    "s_ratio": normal(0, np.where(MIDDLE, 0.09, 0.03)),
    "smooth": normal(DRIFT, HUMP),
    "quantiles": skewed,
}


@pytest.mark.parametrize("name", TRUTHS)
def test_the_simplest_adequate_candidate_is_the_truth(name: str) -> None:
    """In at least 18 of 20 repetitions; at two standard errors one in 40 may go wrong by chance."""
    right = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        table = compare(G, TRUTHS[name](rng, 400), rng=rng)
        right += table.candidate[table.adequate].iloc[0] == name
    assert right >= 18


@pytest.mark.parametrize(
    ("candidate", "truth"),
    [
        (candidates.constant, {"sigma_d": 0.05}),
        (candidates.s_ratio, {"s": 3.0, "sigma_d": 0.03 * math.sqrt(0.4 * 9 + 0.6)}),
    ],
)
def test_intervals_cover_the_true_parameters(candidate, truth: dict[str, float]) -> None:
    """In at least 90 of 100 repetitions, as 95 % intervals should."""
    covered = dict.fromkeys(truth, 0)
    for seed in range(100):
        rng = np.random.default_rng(seed)
        groups = TRUTHS[candidate.__name__](rng, 500)  # as many as the embedded data have
        table = bootstrap(candidate, G, groups, rng=rng, repeats=200).set_index("parameter")
        for key, value in truth.items():
            covered[key] += table.low[key] <= value <= table.high[key]
    assert min(covered.values()) >= 90


def test_smooth_fit_recovers_mean_and_spread() -> None:
    fit = candidates.smooth(G, TRUTHS["smooth"](np.random.default_rng(0), 20_000))
    assert fit.mean == pytest.approx(DRIFT, abs=0.002)
    assert fit.sigma == pytest.approx(HUMP, rel=0.03)


def test_unimodal_fit_rises_then_falls_and_nothing_of_that_shape_is_nearer() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        values, weights = rng.normal(size=9), rng.uniform(0.5, 2, 9)
        fit = candidates._unimodal(values, weights)
        top = int(fit.argmax())
        assert (np.diff(fit[: top + 1]) >= 0).all()
        assert (np.diff(fit[top:]) <= 0).all()
        loss = np.sum(weights * (fit - values) ** 2)
        for _ in range(200):
            peak, other = rng.integers(9), fit + rng.normal(scale=0.3, size=9)
            other = np.concatenate([np.sort(other[:peak]), np.sort(other[peak:])[::-1]])
            assert np.sum(weights * (other - values) ** 2) >= loss - 1e-12
    rising_falling = np.array([0.0, 1, 4, 3, 2])
    assert candidates._unimodal(rising_falling, np.ones(5)).tolist() == rising_falling.tolist()


def test_pinball_score_equals_a_loop() -> None:
    groups = TRUTHS["smooth"](np.random.default_rng(2), 5)
    for candidate in CANDIDATES:
        fit = candidate(G, groups)
        slow = []
        for level, errors in enumerate(groups):
            for error in errors:
                losses = []
                for p in candidates.PROBABILITIES:
                    q = float(fit.quantiles(level, np.array([p]))[0])
                    losses.append(p * (error - q) if error >= q else (1 - p) * (q - error))
                slow.append(sum(losses) / len(losses))
        assert pinball(fit, groups) == pytest.approx(slow)


def test_pinball_score_of_a_normal_is_half_its_crps() -> None:
    """CRPS of a standard normal at 0: 2 phi(0) - 1 / sqrt(pi) (Gneiting and Raftery)."""
    fit = candidates.Fit("one", {}, np.zeros(1), np.ones(1))
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
            table = compare(G, truth(rng, 200), rng=rng).set_index("candidate")
            rejected[name] += table.ks_rejected["quantiles"]
    assert max(rejected.values()) <= 9


def test_tests_reject_a_gaussian_for_skewed_reads() -> None:
    rng = np.random.default_rng(0)
    table = compare(G, skewed(rng, 400), rng=rng).set_index("candidate")
    assert table.ks_rejected["smooth"] == len(G)
    assert table.ad_median["smooth"] > 5 * table.ad_median["quantiles"]


def test_aic_prefers_the_true_one_of_the_two_with_parameters() -> None:
    for name, other in (("constant", "s_ratio"), ("s_ratio", "constant")):
        rng = np.random.default_rng(4)
        aic = compare(G, TRUTHS[name](rng, 400), rng=rng).set_index("candidate").aic
        assert aic[name] < aic[other]
        assert math.isnan(aic["quantiles"])


@pytest.mark.parametrize("shape", [(4, 10), (8, 3)])
def test_too_few_reads_are_refused(shape: tuple[int, int]) -> None:
    groups = list(np.ones(shape))
    with pytest.raises(ValueError, match="at least 5 levels of at least 4 errors"):
        compare(G[: shape[0]], groups, rng=np.random.default_rng(0))
