"""Laws of confidence sequences: their formula, and what peeking costs with and without them."""

import math

import numpy as np
import pytest

from neft.statistics.anytime import FIRST, confidence_sequence
from neft.statistics.confidence import student_interval


@pytest.mark.parametrize("centre", [0.0, 1e6])
def test_the_bounds_equal_their_formula(centre: float) -> None:
    draws = np.random.default_rng(0).normal(centre, 2, 60)
    found = confidence_sequence(draws, 0.9, narrowest_at=40)
    r2 = (-2 * math.log(0.1) + math.log(-2 * math.log(0.1)) + 1) / 40
    for n in (20, 41, 60):
        part = [draw - centre for draw in draws[:n].tolist()]
        variance = sum((draw - sum(part) / n) ** 2 for draw in part) / (n - 1)
        inside = 2 * (n * r2 + 1) / (n**2 * r2) * math.log(math.sqrt(n * r2 + 1) / 0.1)
        half = math.sqrt(variance * inside)
        assert found.mean[n - 1] - centre == pytest.approx(sum(part) / n, abs=1e-8)
        assert found.high[n - 1] - found.mean[n - 1] == pytest.approx(half, rel=1e-6)
        assert found.mean[n - 1] - found.low[n - 1] == pytest.approx(half, rel=1e-6)
    assert np.isnan(found.low[: FIRST - 1]).all()
    assert np.isfinite(found.low[FIRST - 1 :]).all()


def test_the_bounds_are_narrowest_where_asked() -> None:
    draws = np.random.default_rng(0).normal(size=400)
    sequences = {at: confidence_sequence(draws, narrowest_at=at) for at in (25, 50, 100, 200, 400)}
    for n in sequences:
        widths = {at: found.high[n - 1] - found.low[n - 1] for at, found in sequences.items()}
        assert min(widths, key=widths.__getitem__) == n
        assert widths[n] > 2 * (student_interval(draws[:n]).high - draws[:n].mean())


def test_peeking_raises_false_alarms_with_a_fixed_interval_and_not_with_the_sequence() -> None:
    """Equal methods: differences of mean 0, in steps as accuracies have them, 500 looks."""
    rng, fixed, anytime, repetitions = np.random.default_rng(0), 0, 0, 400
    for _ in range(repetitions):
        draws = rng.choice([-0.02, 0.0, 0.02], 500, p=[0.2, 0.6, 0.2])
        found = confidence_sequence(draws, narrowest_at=200)
        anytime += bool(((found.low > 0) | (found.high < 0)).any())
        n = np.arange(1, 501)
        errors = np.sqrt(((draws**2).cumsum() / n - found.mean**2) / n)
        fixed += bool((abs(found.mean) > 1.96 * errors)[FIRST - 1 :].any())
    bound = 0.05 * repetitions + 3.5 * math.sqrt(0.05 * 0.95 * repetitions)
    assert anytime <= bound
    assert fixed > 3 * bound


def test_a_difference_is_found() -> None:
    draws = np.random.default_rng(0).normal(0.5, 1, 200)
    assert (confidence_sequence(draws, narrowest_at=50).low[100:] > 0).all()


@pytest.mark.parametrize(
    ("draws", "settings", "rule"),
    [
        ([], {"narrowest_at": 50}, "draws must not be empty"),
        ([1.0], {"narrowest_at": 0}, "narrowest_at must be at least 1, got 0"),
        ([1.0], {"narrowest_at": 5, "level": 0.2}, "level must be 0.5 to 1"),
        ([1.0], {"narrowest_at": 5, "level": 1.0}, "level must be 0.5 to 1"),
    ],
)
def test_impossible_settings_are_refused(draws: list, settings: dict, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        confidence_sequence(draws, **settings)
