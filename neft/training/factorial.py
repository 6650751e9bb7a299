"""Factorial experiments: noise injection with every combination of two levels of some factors."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from neft._utils.checks import one_of
from neft.networks import SHAPES, SIZES, Initialisation
from neft.training.baselines import NoiseInjection

FACTORS: dict[str, tuple[Any, Any]] = {
    "hidden": SIZES,
    "shape": SHAPES,
    "last": SIZES,
    "divisor": (1.0, 4.0),
    "clip": (None, 2.0),
}
"""Factors and their two levels; the first is plain noise injection from torch's initial weights.

- hidden, shape, last: of the initial weights (`neft.networks.Initialisation`).
- divisor: of the logits; 4 is that of OVF and IRS with three feedbacks.
- clip: bound of the weights in standard deviations of their tensor; None for no bound.
"""


@dataclass(frozen=True)
class Combination:
    """One cell of the experiment.

    Args:
        levels: of each varied factor, as text.
        method: what is trained.
    """

    levels: dict[str, str]
    method: NoiseInjection

    @property
    def name(self) -> str:
        """Name of the trained method."""
        return ",".join(f"{factor}={level}" for factor, level in self.levels.items())


def combinations(factors: Sequence[str]) -> list[Combination]:
    """List every combination of the factors' levels; other factors keep their first one.

    Raises:
        ValueError: a factor is unknown.
    """
    for factor in factors:
        one_of(FACTORS, factor=factor)
    first = {factor: levels[0] for factor, levels in FACTORS.items()}
    found = []
    for chosen in product(*(FACTORS[factor] for factor in factors)):
        values = first | dict(zip(factors, chosen, strict=True))
        start = Initialisation(values["hidden"], values["shape"], values["last"])
        method = NoiseInjection(
            divisor=values["divisor"], clip=values["clip"], initialisation=start.name
        )
        levels = {factor: level_name(values[factor]) for factor in factors}
        found.append(Combination(levels, method))
    return found


def level_name(level: str | float | None) -> str:
    """Write a level of a factor."""
    if level is None:
        return "none"
    return level if isinstance(level, str) else f"{level:g}"
