"""Intervals over crossed seeds and chips: coverage, and special cases with known results."""

import math

import numpy as np
import pytest
from scipy import stats

from neft.statistics.confidence import crossed_bootstrap, crossed_effects, quantile_bounds


def simulated(random, seeds: int, chips: int, spreads: tuple[float, float, float]) -> np.ndarray:
    """Draws around 0: effects of seeds, chips and a remainder with these standard deviations."""
    of_seed, of_chip, of_both = spreads
    draws = random.normal(0, of_both, (seeds, chips))
    draws += random.normal(0, of_seed, (seeds, 1))
    return draws + random.normal(0, of_chip, (1, chips))


def bounds(draws: np.ndarray, level: float = 0.95, resamples: int = 10_000) -> tuple[float, float]:
    means = crossed_bootstrap(draws, generator=np.random.default_rng(0), resamples=resamples)
    return tuple(np.quantile(means, [(1 - level) / 2, (1 + level) / 2]))


DESIGNS = [  # spreads of seeds, chips and remainder; the first as measured with LeNet-5
    (5, 100, (0.010, 0.023, 0.060)),
    (5, 100, (1, 0, 1)),
    (5, 100, (0, 0, 1)),
    (5, 20, (1, 0.1, 0.1)),
    (3, 50, (1, 0.1, 0.1)),
    (10, 100, (1, 1, 1)),
    (3, 50, (0, 0, 1)),
]


@pytest.mark.parametrize(("seeds", "chips", "spreads"), DESIGNS)
def test_the_bootstraps_95_percent_interval_covers_the_truth(seeds, chips, spreads) -> None:
    """In 93 to 97 % of 1,000 experiments: three standard errors of 0.7 % around 95 %. In more where
    seeds have no effect of their own, which so few seeds cannot show."""
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        low, high = bounds(simulated(random, seeds, chips, spreads), resamples=1000)
        covered += low <= 0 <= high
    assert 930 <= covered <= (970 if spreads[0] else 1000)


def test_seeds_that_agree_by_chance_leave_the_uncertainty_of_their_remainder() -> None:
    """Equal means of seeds and of chips: a normal interval of the remainder, within three standard
    errors of a quantile of 200,000 resamples."""
    draws = np.random.default_rng(0).normal(size=(3, 50))
    draws -= draws.mean(1, keepdims=True)
    draws -= draws.mean(0)
    of_mean = math.sqrt((draws**2).sum() / (2 * 49) / 150)
    error = 3 * math.sqrt(0.025 * 0.975 / 200_000) / stats.norm.pdf(1.96) * of_mean
    expected = stats.norm.interval(0.95, scale=of_mean)
    assert bounds(draws, resamples=200_000) == pytest.approx(expected, abs=error)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("of", ["seeds", "chips"])
def test_seeds_or_chips_alone_give_students_interval(of: str, level: float) -> None:
    """Within three standard errors of a quantile of 200,000 resamples, relative to the quantile."""
    values = stats.norm.ppf((np.arange(20) + 0.5) / 20)
    draws = np.tile(values, (3, 1))
    student = stats.t.interval(level, 19, loc=values.mean(), scale=stats.sem(values))
    low, high = bounds(draws if of == "chips" else draws.T, level, resamples=200_000)
    end, t = (1 + level) / 2, stats.t(19)
    error = math.sqrt(end * (1 - end) / 200_000) / t.pdf(t.ppf(end)) / t.ppf(end)
    # plus 1 %: the mean of 20 resampled numbers is not quite normal
    assert (low, high) == pytest.approx(student, rel=3 * error + 0.01)


def test_the_bootstrap_is_linear_in_its_draws_and_repeats_bit_for_bit() -> None:
    draws = simulated(np.random.default_rng(1), 4, 9, (1, 1, 1))
    first, again, moved = (
        crossed_bootstrap(table, generator=np.random.default_rng(2), resamples=500)
        for table in (draws, draws, 5 + 2 * draws)
    )
    assert np.array_equal(first, again)
    np.testing.assert_allclose(moved, 5 + 2 * first)
    assert not np.array_equal(
        first, crossed_bootstrap(draws, generator=np.random.default_rng(3), resamples=500)
    )


def test_effects_and_variances_equal_plain_loops() -> None:
    draws = simulated(np.random.default_rng(1), 3, 5, (1, 1, 0.3))
    seeds, chips = range(3), range(5)
    mean = sum(draws[s, c] for s in seeds for c in chips) / 15
    a = [sum(draws[s]) / 5 - mean for s in seeds]
    b = [sum(draws[:, c]) / 3 - mean for c in chips]
    rest = sum((draws[s, c] - mean - a[s] - b[c]) ** 2 for s in seeds for c in chips) / 8
    seed = sum(x * x for x in a) / 2 - rest / 5
    chip = sum(x * x for x in b) / 4 - rest / 3
    found = crossed_effects(draws)
    assert found.of_seed == pytest.approx(a)
    assert found.of_chip == pytest.approx(b)
    assert found.variances == pytest.approx((seed, chip, rest))


def test_equal_draws_have_zero_width_one_seed_no_bounds_one_chip_those_of_its_seeds() -> None:
    assert bounds(np.full((3, 4), 0.5)) == (0.5, 0.5)
    with pytest.raises(
        ValueError, match="draws must be of two or more seeds for an interval, got 1"
    ):
        bounds(np.ones((1, 4)))
    draws = np.array([[0.1], [0.5], [0.2], [0.4]])
    assert bounds(draws) == pytest.approx(bounds(np.tile(draws, (1, 7))))


@pytest.mark.parametrize("draws", [np.ones(3), np.ones((2, 3, 4)), np.ones((0, 3))])
def test_draws_of_another_shape_are_refused(draws: np.ndarray) -> None:
    for function in (bounds, lambda draws: quantile_bounds(draws, 0.05)):
        with pytest.raises(ValueError, match=r"draws must be \[seeds, chips\]"):
            function(draws)


QUANTILES = [
    (5, 100, (0.010, 0.023, 0.060), 0.05),
    (5, 100, (0.010, 0.023, 0.060), 0.01),
    (10, 100, (0.3, 1, 1), 0.05),
    (3, 50, (1, 1, 1), 0.05),
]


@pytest.mark.parametrize(("seeds", "chips", "spreads", "p"), QUANTILES)
def test_bounds_of_a_quantile_cover_it(seeds, chips, spreads, p) -> None:
    """In at least 93 % of 1,000 experiments; bounds are wide, for ranks are whole numbers."""
    truth = stats.norm.ppf(p) * math.hypot(*spreads)
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        low, high = quantile_bounds(simulated(random, seeds, chips, spreads), p)
        covered += not low > truth and not high < truth
    assert covered >= 930


@pytest.mark.parametrize("p", [0.01, 0.05, 0.5, 0.95])
def test_draws_without_common_effects_all_count_and_copies_of_chips_once(p: float) -> None:
    draws = np.random.default_rng(0).normal(size=(8, 60))
    draws -= draws.mean(1, keepdims=True)
    draws -= draws.mean(0)
    chips = np.random.default_rng(0).normal(size=100)
    for table, independent in ((draws, draws.ravel()), (np.tile(chips, (4, 1)), chips)):
        exact = stats.quantile_test(independent, p=p).confidence_interval(0.95)
        np.testing.assert_array_equal(quantile_bounds(table, p), tuple(exact))


@pytest.mark.parametrize(("p", "enough"), [(0.01, 368), (0.05, 72)])
def test_a_low_quantile_has_a_lower_bound_only_with_enough_chips(p: float, enough: int) -> None:
    for chips in (enough - 1, enough):
        low, high = quantile_bounds(np.tile(np.arange(chips), (2, 1)), p)
        assert math.isnan(low) == (chips < enough)
        assert math.isfinite(high)


@pytest.mark.parametrize("shape", [(1, 400), (400, 1)])
def test_one_seed_or_chip_does_not_bound_a_quantile(shape: tuple[int, int]) -> None:
    assert np.isnan(quantile_bounds(np.random.default_rng(0).normal(size=shape), 0.05)).all()


@pytest.mark.parametrize("p", [0.0, 1.0, -0.5, 95.0, math.nan])
def test_probabilities_are_strictly_between_0_and_1(p: float) -> None:
    with pytest.raises(ValueError, match=f"probability must be between 0 and 1, got {p}"):
        quantile_bounds(np.ones((2, 3)), p)
