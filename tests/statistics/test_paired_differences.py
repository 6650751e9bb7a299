"""Laws of paired comparisons."""

import numpy as np
import pandas as pd
import pytest

from neft.statistics.summary import paired_differences, summarise


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


def test_differences_are_those_of_means_and_intervals_those_of_a_summary() -> None:
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


def test_what_seeds_and_chips_do_to_both_leaves_no_trace() -> None:
    draws = table()
    draws["accuracy"] = 0.1 * draws.seed + 0.02 * draws.chip + 0.001 * draws.images
    found = (
        paired_differences(draws, "images", against=0, by=["method"]).set_index("images").loc[50]
    )
    assert np.allclose(found[["difference", "low", "high"]], 0.05)


def test_a_loss_is_negative() -> None:
    draws = table()
    draws["accuracy"] = 1.0 - (draws.images > 0)
    assert (paired_differences(draws, "images", against=0, by=["method"]).difference == -1).all()


@pytest.mark.parametrize("change", ["no reference", "missing chip"])
def test_unpaired_draws_are_refused(change: str) -> None:
    draws = table()
    draws = draws[draws.images > 0] if change == "no reference" else draws.iloc[1:]
    with pytest.raises(
        ValueError, match="draws: every images must have the same method, seeds and chips as 0"
    ):
        paired_differences(draws, "images", against=0, by=["method"])
