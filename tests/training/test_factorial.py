"""Laws of the factorial experiment: every combination once, and half of them tell as much."""

import math
from itertools import combinations as pairs
from itertools import product

import numpy as np
import pandas as pd
import pytest

from neft.networks import INITIALISATIONS
from neft.statistics.factorial import effects
from neft.training import Distillation, NoiseInjection
from neft.training.factorial import AFTER, FACTORS, LEAST_HALVED, combinations, level_name

TRAINED = [factor for factor in FACTORS if factor != AFTER]


def test_every_combination_of_levels_is_there_once_and_trained_once() -> None:
    found = combinations(list(FACTORS))
    assert len(found) == 2 ** len(FACTORS) == 2 * len({each.name for each in found})
    for cell, levels in zip(found, product(*FACTORS.values()), strict=True):
        values = dict(zip(FACTORS, levels, strict=True))
        start = INITIALISATIONS[cell.method.initialisation]
        assert (start.hidden, start.shape, start.last) == levels[:3]
        for setting in ("divisor", "clip", "clip_per"):
            assert getattr(cell.method, setting) == values[setting]
        for setting in ("ramp", "sigma_spread", "kurtosis"):
            assert getattr(cell.method, setting) == (values[setting] or 0)
        assert cell.method.pretraining == (values["distillation"] or 0)
        assert isinstance(cell.method, Distillation) == (values["distillation"] is not None)
        assert (cell.scale, cell.images) == (values["scale"], values["batchnorm"])
        assert cell.levels == {name: level_name(level) for name, level in values.items()}


def test_factors_that_are_not_varied_keep_their_first_level() -> None:
    plain, clipped = combinations(["clip"])
    assert plain.method == NoiseInjection(initialisation="torch")
    assert clipped.method == NoiseInjection(initialisation="torch", clip=2.0)
    assert [plain.name, clipped.name] == ["clip=none", "clip=2"]
    assert (plain.scale, plain.images) == ("tensor", None)


def test_cells_that_only_the_test_tells_apart_are_trained_alike() -> None:
    plain, corrected = combinations(["batchnorm"])
    assert (plain.name, plain.method) == (corrected.name, corrected.method)
    assert (plain.images, corrected.images) == (None, 200)


@pytest.mark.parametrize("count", range(LEAST_HALVED, len(TRAINED) + 1))
def test_in_a_half_no_effect_hides_another(count: int) -> None:
    """Accuracy made from chosen effects gives these back, though half the cells are not there."""
    factors = [*TRAINED[:count], AFTER]
    half, every = combinations(factors, half=True), combinations(factors)
    assert 2 * len(half) == len(every)
    assert [cell for cell in every if cell in half] == half
    levels = {factor: [level_name(level) for level in FACTORS[factor]] for factor in factors}
    terms = [*((factor,) for factor in factors), *pairs(factors, 2)]
    chosen = dict(zip(terms, np.random.default_rng(0).normal(size=len(terms)), strict=True))
    rows = []
    for cell in half:
        sign = {name: 2 * levels[name].index(level) - 1 for name, level in cell.levels.items()}
        made = sum(
            size / 2 * math.prod(sign[each] for each in term) for term, size in chosen.items()
        )
        rows += [
            {**cell.levels, "sigma_d": 0.1, "seed": s, "chip": 0, "accuracy": made} for s in (0, 1)
        ]
    for row in effects(pd.DataFrame(rows), levels).itertuples():
        term = (row.factor, row.beside) if row.beside else (row.factor,)
        assert row.effect == pytest.approx(chosen[term], abs=1e-12)


def test_bad_factors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"factors must be one of hidden, .*, got 'depth'"):
        combinations(["clip", "depth"])
    with pytest.raises(ValueError, match="factors must be at least 5 of training with half, got 4"):
        combinations([*TRAINED[:4], AFTER], half=True)
