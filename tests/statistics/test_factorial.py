"""Effects of factors: those of draws that were made from known ones."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from neft.statistics.factorial import effects
from neft.statistics.summary import paired_differences

FACTORS = {"shape": ("uniform", "normal"), "clip": ("none", "2"), "divisor": ("1", "4")}


def draws(spread: float = 0.0, seeds: int = 3, chips: int = 20) -> pd.DataFrame:
    """Accuracy .5 - .1 (normal) + .05 (clipped) + .04 (both), the same plus .2 at sigma_d .1."""
    draw = np.random.default_rng(1)
    common = {pair: spread * draw.normal() for pair in product(range(seeds), range(chips))}
    rows = []
    for sigma_d, *levels in product((0.1, 0.2), *FACTORS.values()):
        shape, clip, _ = levels
        mean = 0.5 + 0.2 * (sigma_d == 0.1) - 0.1 * (shape == "normal") + 0.05 * (clip == "2")
        mean += 0.04 * (shape == "normal" and clip == "2")
        for (seed, chip), shift in common.items():
            own = spread / 10 * draw.normal()
            rows.append([sigma_d, *levels, seed, chip, mean + shift + own])
    return pd.DataFrame(rows, columns=["sigma_d", *FACTORS, "seed", "chip", "accuracy"])


def test_effects_are_those_that_the_draws_were_made_with() -> None:
    """With an effect of both of d, the mean effects are half of d larger, the interaction d / 2."""
    found = effects(draws(), FACTORS).set_index(["sigma_d", "factor", "beside"])
    expected = {
        ("shape", ""): -0.08, ("clip", ""): 0.07, ("divisor", ""): 0.0,
        ("shape", "clip"): 0.02, ("shape", "divisor"): 0.0, ("clip", "divisor"): 0.0,
    }  # fmt: skip
    assert len(found) == 2 * len(expected)
    for (_, *term), row in found.iterrows():
        assert row.effect == pytest.approx(expected[tuple(term)], abs=1e-12)
        assert (row.seeds, row.chips) == (3, 20)


def test_intervals_hold_what_the_draws_were_made_with_and_common_shifts_cancel() -> None:
    found = effects(draws(spread=0.05), FACTORS)
    rows = found[(found.factor == "shape") & (found.beside == "")]
    assert ((rows.low < -0.08) & (rows.high > -0.08)).all()
    assert (rows.high - rows.low < 0.01).all(), "far less than the spread of seeds and chips"


def test_one_factor_alone_has_the_paired_difference_of_its_levels() -> None:
    rows = draws(spread=0.05)
    rows = rows[(rows["clip"] == "none") & (rows.divisor == "1")]
    (one, other) = effects(rows, {"shape": FACTORS["shape"]}).itertuples()
    expected = paired_differences(rows, "shape", against="uniform", by=["sigma_d"])
    assert [one.effect, other.effect] == pytest.approx(expected.difference.tolist(), abs=1e-12)
    assert [one.low, other.high] == pytest.approx([expected.low[0], expected.high[1]], abs=1e-12)


def test_a_missing_combination_or_chip_is_refused_and_one_seed_has_no_interval() -> None:
    every = draws()
    part = every[(every["shape"] != "normal") | (every["clip"] != "2")]
    with pytest.raises(ValueError, match=r"every combination of levels, or half.*got 6 of 8"):
        effects(part, FACTORS)
    aliased = every[(every["shape"] == "normal") == (every["clip"] == "2")]
    with pytest.raises(ValueError, match=r"every combination of levels, or half.*got 4 of 8"):
        effects(aliased, FACTORS)
    with pytest.raises(ValueError, match="with the same seeds and chips"):
        effects(every.iloc[1:], FACTORS)
    assert effects(draws(seeds=1), FACTORS)[["low", "high"]].isna().all(axis=None)
