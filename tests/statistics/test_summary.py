"""The result tables agree with plain loops and with scipy."""

import math
import statistics

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from neft.evaluation import OverChips
from neft.statistics.confidence import crossed_bootstrap, quantile_bounds
from neft.statistics.summary import (
    QUANTITIES,
    summarise,
    summarise_convergence,
    summarise_uncertainty,
)


def draws_of(cells: dict[tuple[str, float], list[list[float]]]) -> pd.DataFrame:
    """Table of draws from accuracies[seed][chip] of each (method, sigma_d)."""
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


def test_the_table_equals_a_plain_loop_in_the_order_of_appearance() -> None:
    keys = [("ovf", 0.3), ("irs", 0.1), ("ovf", 0.1), ("irs", 0.3)]
    cells = {key: random_cell(i) for i, key in enumerate(keys)}
    expected = []
    for (method, sigma_d), seeds in cells.items():
        means = [statistics.fmean(chips) for chips in seeds]
        resampled = crossed_bootstrap(seeds, generator=np.random.default_rng(0))
        ends = [percentile(resampled, p) for p in (2.5, 97.5, 0.5, 99.5)]
        of_mean = [statistics.fmean(means), *(min(max(end, 0), 1) for end in ends)]
        spread = math.sqrt(statistics.fmean(statistics.variance(chips) for chips in seeds))
        every = [accuracy for chips in seeds for accuracy in chips]
        p1, p5 = ([percentile(every, p), *quantile_bounds(seeds, p / 100)] for p in (1, 5))
        p95 = percentile(every, 95)
        row = (method, sigma_d, 3, 7, *of_mean, spread, *p1, *p5, p95, min(every))
        expected.append(row)
    columns = ["method", "sigma_d", "seeds", "chips", "accuracy", "low", "high", "low_99"]
    columns += ["high_99", "chip_std", "p1", "p1_low", "p1_high", "p5", "p5_low", "p5_high"]
    columns += ["p95", "worst"]
    pd.testing.assert_frame_equal(
        summarise(draws_of(cells)), pd.DataFrame(expected, columns=columns), rtol=1e-12
    )


def test_the_order_of_chips_and_seeds_does_not_matter() -> None:
    draws = draws_of({("ovf", 0.1): random_cell(0)})
    pd.testing.assert_frame_equal(summarise(draws), summarise(draws.sample(frac=1, random_state=0)))


def test_bounds_are_cut_to_accuracies() -> None:
    table = summarise(draws_of({("ovf", 0.1): [[0.1, 0.1], [0.9, 0.9]]}))
    assert (table.low[0], table.high[0]) == (0.0, 1.0)


def test_one_seed_has_a_mean_and_nan_bounds() -> None:
    table = summarise(draws_of({("ovf", 0.1): random_cell(0, seeds=1)}))
    assert table.accuracy[0] == pytest.approx(np.mean(random_cell(0, seeds=1)))
    ends = ["low", "high", "low_99", "high_99", "p1_low", "p1_high", "p5_low", "p5_high"]
    assert table[ends].isna().all(axis=None)


def test_the_spread_over_chips_ignores_offsets_between_seeds() -> None:
    chips = random_cell(0, seeds=1)[0]
    shifted = [[c - offset for c in chips] for offset in (0.0, 0.2, 0.5)]
    table = summarise(draws_of({("ovf", 0.1): shifted}))
    assert table.chip_std[0] == pytest.approx(statistics.stdev(chips))


def test_seeds_with_different_chips_are_refused() -> None:
    draws = draws_of({("ovf", 0.1): [[0.5] * 2, [0.7] * 10]})
    with pytest.raises(ValueError, match="every seed must have the same chips"):
        summarise(draws)


def test_uncertainty_has_students_interval_over_seeds_for_each_quantity() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(size=(6, len(QUANTITIES)))
    table = pd.DataFrame(values, columns=QUANTITIES)
    table = table.assign(method="ovf", sigma_d=[0.1, 0.2] * 3, seed=[0, 0, 1, 1, 2, 2])
    summary = summarise_uncertainty(table).set_index(["sigma_d", "quantity"])
    for i, sigma_d in enumerate((0.1, 0.2)):
        for k, quantity in enumerate(QUANTITIES):
            row, seeds = summary.loc[(sigma_d, quantity)], values[i::2, k]
            low, high = stats.t.interval(0.95, 2, loc=seeds.mean(), scale=stats.sem(seeds))
            assert (row.seeds, row["mean"]) == (3, pytest.approx(seeds.mean()))
            assert (row.low, row.high) == pytest.approx((low, high))


def test_every_uncertainty_quantity_is_summarised() -> None:
    chips = OverChips(torch.tensor([0, 1]))
    chips.add(torch.eye(2))
    assert tuple(chips.summary()) == QUANTITIES


def test_convergence_is_decided_by_the_last_epoch() -> None:
    """An earlier good epoch does not count, nor does an accuracy with a diverged loss."""
    ends = {0: (0.1, 0.9, 0.5), 1: (0.95, 0.2, 0.5), 2: (0.1, 0.85, 0.5), 3: (0.9, 0.9, np.nan)}
    rows = [
        ("ovf", 0.1, seed, epoch, loss, accuracy)
        for seed, (*accuracies, loss) in ends.items()
        for epoch, accuracy in enumerate(accuracies)
    ]
    columns = ["method", "sigma_d", "seed", "epoch", "train_loss", "validation_accuracy"]
    history = pd.DataFrame(rows, columns=columns)
    both = pd.concat([history, history.assign(method="irs")])  # as read from one file per method
    table = summarise_convergence(both.iloc[::-1], threshold=0.8)
    assert table.method.tolist() == ["irs", "ovf"]
    assert (table.seeds == 4).all()
    assert (table["mean"] == 0.5).all()
    assert table.low.to_numpy() == pytest.approx(0.15, abs=0.01)
    assert table.high.to_numpy() == pytest.approx(0.85, abs=0.01)
