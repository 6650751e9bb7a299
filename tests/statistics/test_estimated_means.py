"""Laws of means over seeds of estimated accuracies."""

import math

import numpy as np
import pandas as pd

from neft.statistics.estimated_means import summarise_estimates


def estimates(means: np.ndarray, half: float, *, reached: bool = True) -> pd.DataFrame:
    rows = {"method": "ovf", "sigma_d": 0.3, "seed": range(len(means)), "mean": means}
    bounds = {"low": means - half, "high": means + half}
    return pd.DataFrame({**rows, **bounds, "chips": 20, "images": 400, "reached": reached})


def test_it_equals_the_formula_by_hand() -> None:
    table = summarise_estimates(estimates(np.array([0.7, 0.8, 0.9]), 0.03))
    (row,) = table.itertuples()
    half = math.hypot(4.302653 * 0.1 / math.sqrt(3), 0.03)
    np.testing.assert_allclose([row.mean, row.low], [0.8, 0.8 - half], rtol=1e-6)
    assert (row.seeds, row.chips, row.images, row.high) == (3, 60, 1200, 1.0)
    assert row.reached


def test_estimates_that_were_cut_at_1_count_with_their_whole_half_width() -> None:
    whole = estimates(np.array([0.96, 0.98, 0.97]), 0.05)
    cut = whole.assign(high=whole.high.clip(upper=1))
    pd.testing.assert_frame_equal(summarise_estimates(cut), summarise_estimates(whole))


def test_one_seed_has_no_interval_and_one_estimate_that_failed_is_told() -> None:
    (row,) = summarise_estimates(estimates(np.array([0.7]), 0.03, reached=False)).itertuples()
    assert row.mean == 0.7
    assert np.isnan([row.low, row.high]).all()
    assert not row.reached


def test_the_interval_covers_the_truth_however_the_errors_are_correlated() -> None:
    """In 500 experiments each, which the table tells by their sigma_d; 4 standard errors."""
    random, half = np.random.default_rng(0), 0.02
    for common in (0.0, 0.5, 1.0):
        shared, own, seeds = (random.normal(size=(500, n)) for n in (1, 5, 5))
        errors = half / 1.96 * (math.sqrt(common) * shared + math.sqrt(1 - common) * own)
        means = 0.6 + 0.02 * seeds + errors
        rows = pd.concat(estimates(m, half).assign(sigma_d=i) for i, m in enumerate(means))
        table = summarise_estimates(rows)
        covered = table.low.le(0.6) & table.high.ge(0.6)
        assert covered.mean() > 0.95 - 4 * math.sqrt(0.05 * 0.95 / 500)
