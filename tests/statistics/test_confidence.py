"""Student's and Wilson's intervals: against scipy, their own equations and their coverage."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from scipy import stats

from neft.statistics.confidence import interval_over_seeds, student_interval, wilson_interval


@pytest.mark.parametrize("size", [2, 3, 30])
def test_the_interval_is_students(size: int) -> None:
    draws = np.random.default_rng(size).normal(3, 2, size)
    standard_error = math.sqrt(sum((draws - sum(draws) / size) ** 2) / (size - 1) / size)
    mean = sum(draws) / size
    ends = stats.t.interval(0.95, size - 1, loc=mean, scale=standard_error)
    assert astuple(student_interval(draws.tolist())) == pytest.approx((mean, *ends), rel=1e-12)


@pytest.mark.parametrize("size", [2, 5])
def test_the_95_percent_interval_covers_the_mean_in_95_of_100_experiments(size: int) -> None:
    experiments = np.random.default_rng(0).normal(0.9, 0.1, (2000, size))
    intervals = [student_interval(draws) for draws in experiments]
    covered = np.mean([i.low <= 0.9 <= i.high for i in intervals])
    assert covered == pytest.approx(0.95, abs=3.5 * math.sqrt(0.95 * 0.05 / 2000))


def test_equal_draws_have_zero_width_and_fewer_than_two_have_no_interval() -> None:
    assert astuple(student_interval([0.5, 0.5, 0.5])) == (0.5, 0.5, 0.5)
    for draws in ([], [0.9]):
        said = f"draws must be two or more for an interval, got {len(draws)}"
        with pytest.raises(ValueError, match=said):
            student_interval(draws)


def test_a_table_takes_one_seed_and_leaves_its_bounds_open() -> None:
    assert interval_over_seeds([0.1, 0.4]) == student_interval([0.1, 0.4])
    found, nan = astuple(interval_over_seeds([0.9])), math.nan
    assert found == pytest.approx((0.9, nan, nan), nan_ok=True)
    with pytest.raises(ValueError, match="got 0"):
        interval_over_seeds([])


@pytest.mark.parametrize(("successes", "trials"), [(0, 5), (3, 5), (5, 5), (40, 100)])
def test_the_interval_solves_wilsons_equation(successes: int, trials: int) -> None:
    """Each bound is a p from which the observed proportion is z standard errors away."""
    interval = wilson_interval(successes, trials)
    z = stats.norm.ppf(0.975)
    for bound in (interval.low, interval.high):
        distance = abs(successes / trials - bound)
        assert distance == pytest.approx(z * (bound * (1 - bound) / trials) ** 0.5, abs=1e-9)
    assert interval.low <= interval.mean == successes / trials <= interval.high


@pytest.mark.parametrize("pair", [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="successes must be 0 to trials"):
        wilson_interval(*pair)
