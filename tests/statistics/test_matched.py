"""A matrix of trained for against tested on is compared with its diagonal."""

import numpy as np
import pandas as pd
import pytest

from neft.statistics.summary import differences_from_matched, differences_from_references


def matrix_draws(sizes: list[float]) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        (trained, tested, tested, seed, chip, random.uniform(0.5, 0.9))
        for trained in sizes
        for tested in sizes
        for seed in range(3)
        for chip in range(4)
    ]
    columns = ["trained_sigma_d", "sigma_d", "tested", "seed", "chip", "accuracy"]
    return pd.DataFrame(rows, columns=columns)


def test_a_matrix_compares_down_its_columns_with_the_diagonal() -> None:
    draws = matrix_draws([0.0, 0.1, 0.3])
    matrix = differences_from_matched(draws, "trained_sigma_d", "sigma_d")
    assert len(matrix) == 9
    for row in matrix.itertuples():
        theirs, own = (
            draws[(draws.sigma_d == row.sigma_d) & (draws.trained_sigma_d == size)]
            for size in (row.trained_sigma_d, row.sigma_d)
        )
        assert row.accuracy == pytest.approx(theirs.accuracy.mean())
        pairs = pd.concat([own.assign(method="noise_injection"), theirs.assign(method="theirs")])
        expected = differences_from_references(pairs).iloc[0]
        assert (row.difference, row.difference_low, row.difference_high) == (
            expected.difference,
            expected.low,
            expected.high,
        )
        assert (row.difference == 0) == (row.sigma_d == row.trained_sigma_d)


def test_a_matrix_without_its_diagonal_is_refused() -> None:
    draws = matrix_draws([0.0, 0.1])
    with pytest.raises(ValueError, match=r"every trained_sigma_d must have .* as 0\.1"):
        differences_from_matched(draws[draws.trained_sigma_d == 0], "trained_sigma_d", "sigma_d")
