"""Laws of the result table: a plain loop tells the same."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neft.results import summarise


def made(cells: dict[tuple[str, float], list[list[float]]]) -> pd.DataFrame:
    """Draws of accuracies[seed][chip] for each (method, sigma_d)."""
    rows = [
        (method, sigma_d, seed, chip, accuracy)
        for (method, sigma_d), seeds in cells.items()
        for seed, chips in enumerate(seeds)
        for chip, accuracy in enumerate(chips)
    ]
    return pd.DataFrame(rows, columns=["method", "sigma_d", "seed", "chip", "accuracy"])


def random_cell(key: int, seeds: int = 3, chips: int = 7) -> list[list[float]]:
    return np.random.default_rng(key).uniform(0.7, 0.9, (seeds, chips)).tolist()


def percentile(values: list[float], percent: float) -> float:
    """Linear interpolation between the two nearest ranks."""
    rank = percent / 100 * (len(values) - 1)
    below, above = (sorted(values)[f(rank)] for f in (math.floor, math.ceil))
    return below + (rank - math.floor(rank)) * (above - below)


def test_the_table_is_what_a_plain_loop_finds() -> None:
    keys = [("ovf", 0.3), ("ovf", 0.1), ("irs", 0.3), ("irs", 0.1)]
    cells = {key: random_cell(i) for i, key in enumerate(keys)}
    expected = []
    for (method, sigma_d), seeds in cells.items():
        means = [statistics.fmean(chips) for chips in seeds]
        mean, error = statistics.fmean(means), statistics.stdev(means) / math.sqrt(3)
        low, high = stats.t.interval(0.95, 2, loc=mean, scale=error)
        spread = math.sqrt(statistics.fmean(statistics.variance(chips) for chips in seeds))
        every = [accuracy for chips in seeds for accuracy in chips]
        tails = [percentile(every, p) for p in (1, 5, 95)]
        expected.append((method, sigma_d, 3, 7, mean, low, high, spread, *tails))
    columns = [
        "method",
        "sigma_d",
        "seeds",
        "chips",
        "accuracy",
        "low",
        "high",
        "chip_std",
        "p1",
        "p5",
        "p95",
    ]
    pd.testing.assert_frame_equal(
        summarise(made(cells)), pd.DataFrame(expected, columns=columns), rtol=1e-12
    )


def test_rows_keep_the_order_of_appearance() -> None:
    keys = [("z", 0.3), ("a", 0.1), ("z", 0.1), ("a", 0.3)]
    table = summarise(made({key: random_cell(0) for key in keys}))
    assert list(zip(table.method, table.sigma_d, strict=True)) == keys


def test_the_order_of_chips_and_seeds_does_not_matter() -> None:
    draws = made({("ovf", 0.1): random_cell(0)})
    pd.testing.assert_frame_equal(summarise(draws), summarise(draws.sample(frac=1, random_state=0)))


def test_bounds_are_accuracies() -> None:
    table = summarise(made({("ovf", 0.1): [[0.1, 0.1], [0.9, 0.9]]}))
    assert (table.low[0], table.high[0]) == (0.0, 1.0)


def test_one_seed_has_a_mean_and_no_bounds() -> None:
    table = summarise(made({("ovf", 0.1): random_cell(0, seeds=1)}))
    assert table.accuracy[0] == pytest.approx(np.mean(random_cell(0, seeds=1)))
    assert table[["low", "high"]].isna().all(axis=None)


def test_the_spread_over_chips_does_not_see_the_seeds_offsets() -> None:
    chips = random_cell(0, seeds=1)[0]
    shifted = [[c - offset for c in chips] for offset in (0.0, 0.2, 0.5)]
    table = summarise(made({("ovf", 0.1): shifted}))
    assert table.chip_std[0] == pytest.approx(statistics.stdev(chips))


def test_seeds_weigh_the_same_however_many_chips_they_have() -> None:
    table = summarise(made({("ovf", 0.1): [[0.5] * 2, [0.7] * 10]}))
    assert table.accuracy[0] == pytest.approx(0.6)
    assert table.chips[0] == 2
