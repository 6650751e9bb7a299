"""Laws of the factorial experiment: every combination once, and the first is plain training."""

from itertools import product

import pytest

from neft.networks import INITIALISATIONS
from neft.training import NoiseInjection
from neft.training.factorial import FACTORS, combinations, level_name


def test_every_combination_of_levels_is_trained_once() -> None:
    found = combinations(list(FACTORS))
    assert len(found) == 2 ** len(FACTORS) == len({each.name for each in found})
    for cell, levels in zip(found, product(*FACTORS.values()), strict=True):
        values = dict(zip(FACTORS, levels, strict=True))
        start = INITIALISATIONS[cell.method.initialisation]
        assert (start.hidden, start.shape, start.last) == levels[:3]
        assert (cell.method.divisor, cell.method.clip) == levels[3:]
        assert cell.levels == {name: level_name(level) for name, level in values.items()}


def test_factors_that_are_not_varied_keep_their_first_level() -> None:
    plain, clipped = combinations(["clip"])
    assert plain.method == NoiseInjection(initialisation="torch")
    assert clipped.method == NoiseInjection(initialisation="torch", clip=2.0)
    assert [plain.name, clipped.name] == ["clip=none", "clip=2"]


def test_unknown_factors_are_refused() -> None:
    with pytest.raises(ValueError, match=r"factor must be one of hidden, .*, got 'depth'"):
        combinations(["clip", "depth"])
