"""Paired differences: those of means, without what both sides share; matrices of conditions."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neft.statistics.summary import (
    QUANTITIES,
    RECIPE,
    REFERENCES,
    differences_from_matched,
    differences_from_references,
    paired_differences,
    summarise,
    uncertainty_differences,
)


def table(seeds: int = 3, chips: int = 4) -> pd.DataFrame:
    random = np.random.default_rng(3)
    rows = [
        (method, images, seed, chip, random.uniform(0.2, 0.8))
        for method in ("a", "b")
        for images in (0, 50, 200)
        for seed in range(seeds)
        for chip in range(chips)
    ]
    return pd.DataFrame(rows, columns=["method", "images", "seed", "chip", "accuracy"])


def test_differences_are_those_of_means_with_the_intervals_of_a_summary() -> None:
    draws = table()
    found = paired_differences(draws, "images", against=0, by=["method"])
    assert list(zip(found.method, found.images, strict=True)) == [
        (method, images) for images in (50, 200) for method in ("a", "b")
    ]
    assert (found.against == 0).all() and (found.seeds == 3).all() and (found.chips == 4).all()
    same = ["method", "seed", "chip"]
    zero = draws[draws.images == 0].set_index(same).accuracy
    for row in found.itertuples():
        chosen = draws[(draws.images == row.images) & (draws.method == row.method)]
        pairs = (chosen.set_index(same).accuracy - zero).dropna()
        assert row.difference == pytest.approx(pairs.mean(), abs=1e-12)
        shifted = summarise((0.5 + 0.1 * pairs).reset_index(), by=["method"]).iloc[0]
        ends = (shifted.low - 0.5) / 0.1, (shifted.high - 0.5) / 0.1
        assert (row.low, row.high) == pytest.approx(ends)


def test_effects_of_seeds_and_chips_cancel() -> None:
    draws = table()
    draws["accuracy"] = 0.1 * draws.seed + 0.02 * draws.chip + 0.001 * draws.images
    found = (
        paired_differences(draws, "images", against=0, by=["method"]).set_index("images").loc[50]
    )
    assert np.allclose(found[["difference", "low", "high"]], 0.05)


@pytest.mark.parametrize("change", ["no reference", "missing chip"])
def test_unpaired_draws_are_refused(change: str) -> None:
    draws = table()
    draws = draws[draws.images > 0] if change == "no reference" else draws.iloc[1:]
    with pytest.raises(
        ValueError, match="draws: every images must have the same method, seed and chip as 0"
    ):
        paired_differences(draws, "images", against=0, by=["method"])


def test_one_seed_has_a_difference_and_nan_bounds() -> None:
    found = paired_differences(table(seeds=1), "images", against=0, by=["method"])
    assert found.difference.notna().all()
    assert found[["low", "high"]].isna().all(axis=None)


def test_every_reference_that_was_run_is_compared_with() -> None:
    draws = table().rename(columns={"method": "sigma_d", "images": "method"})
    draws = draws.replace({"method": {0: "scaled_logits", 50: "ovf", 200: "noise_injection"}})
    found = differences_from_references(draws)
    pairs = [("scaled_logits", "noise_injection"), ("ovf", "noise_injection")]
    pairs += [("ovf", "scaled_logits"), ("noise_injection", "scaled_logits")]
    expected = [(*pair, sigma_d) for pair in pairs for sigma_d in "ab"]
    assert list(found[["method", "against", "sigma_d"]].itertuples(index=False)) == expected
    recipe = differences_from_references(draws.replace({"method": {"ovf": "recipe"}}))
    assert list(recipe.against) == [name for name in (*REFERENCES, RECIPE) for _ in range(4)]
    without = differences_from_references(draws[draws.method == "ovf"])
    assert without.empty and list(without) == list(found)


def uncertainty(seeds: int) -> pd.DataFrame:
    keys = [(m, s, k) for k in range(seeds) for s in (0.1, 0.2) for m in ("a", "b", "c")]
    values = np.random.default_rng(0).uniform(size=(len(keys), len(QUANTITIES)))
    keys = pd.DataFrame(keys, columns=["method", "sigma_d", "seed"])
    return keys.join(pd.DataFrame(values, columns=QUANTITIES)).sample(frac=1, random_state=0)


def test_uncertainty_differences_have_the_interval_of_a_paired_t_test() -> None:
    networks = uncertainty(seeds=4)
    found = uncertainty_differences(networks, against="b")
    assert len(found) == 2 * 2 * len(QUANTITIES)
    assert (found.seeds == 4).all() and (found.against == "b").all()
    networks = networks.set_index(["method", "sigma_d"]).sort_values("seed")
    for row in found.itertuples():
        own, other = (networks.loc[(m, row.sigma_d), row.quantity] for m in (row.method, "b"))
        expected = stats.ttest_rel(own, other).confidence_interval(0.95)
        assert row.difference == pytest.approx(own.mean() - other.mean())
        assert (row.low, row.high) == pytest.approx(tuple(expected))
    single = uncertainty_differences(uncertainty(seeds=1), against="b")
    assert single.difference.notna().all() and single[["low", "high"]].isna().all(axis=None)


def test_uncertainty_differences_need_common_seeds() -> None:
    with pytest.raises(ValueError, match="every method must have the same sigma_d and seed as b"):
        uncertainty_differences(uncertainty(seeds=3).iloc[1:], against="b")


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


def test_uncertainty_without_the_reference_has_no_differences() -> None:
    found = uncertainty_differences(uncertainty(seeds=2), against="not_run")
    assert found.empty and "difference" in found
