"""Laws of accuracies without errors: means over seeds, compared seed by seed."""

import numpy as np
import pandas as pd
import pytest

from neft.statistics.confidence import student_interval
from neft.statistics.exact import summarise_exact

SEEDS = np.random.default_rng(0).uniform(0.9, 1, size=(2, 2, 3))  # method, sigma_d, seed


def table(seeds: int = 3) -> pd.DataFrame:
    rows = [
        [method, sigma_d, seed, SEEDS[i, k, seed]]
        for i, method in enumerate(("recipe", "noise_free"))
        for k, sigma_d in enumerate((0.1, 0.2))
        for seed in range(seeds)
    ]
    columns = ["method", "trained_sigma_d", "seed", "accuracy"]
    return pd.DataFrame(rows, columns=columns).sample(frac=1, random_state=0)


def test_means_and_differences_are_those_of_the_seeds() -> None:
    found = summarise_exact(table()).set_index(["method", "trained_sigma_d"])
    for k, sigma_d in enumerate((0.1, 0.2)):
        row = found.loc["recipe", sigma_d]
        own, paired = student_interval(SEEDS[0, k]), student_interval(SEEDS[0, k] - SEEDS[1, k])
        assert row.seeds == 3
        assert list(row["accuracy":"high"]) == pytest.approx([own.mean, own.low, min(own.high, 1)])
        expected = [paired.mean, paired.low, paired.high]
        assert list(row["difference":"difference_high"]) == pytest.approx(expected)
        assert found.loc["noise_free", sigma_d].difference == 0


def test_without_noise_free_training_or_with_one_seed_what_is_unknown_is_nan() -> None:
    rows = table()
    alone = summarise_exact(rows[rows.method == "recipe"])
    assert alone.difference.isna().all() and alone.low.notna().all()
    single = summarise_exact(table(seeds=1))
    assert single.difference.notna().all()
    assert single[["low", "high", "difference_low", "difference_high"]].isna().all(axis=None)
