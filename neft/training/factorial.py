"""Factorial experiments: trainings with every combination, or half of them, of some factors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from neft._utils.checks import one_of
from neft.networks import SHAPES, SIZES, Initialisation
from neft.training.base import Method
from neft.training.baselines import NoiseInjection
from neft.training.distillation import Distillation

FACTORS: dict[str, tuple[Any, Any]] = {
    "hidden": SIZES,
    "shape": SHAPES,
    "last": SIZES,
    "divisor": (1.0, 4.0),
    "clip": (None, 2.0),
    "clip_per": ("tensor", "channel"),
    "scale": ("tensor", "channel"),
    "distillation": (None, 0.5),
    "ramp": (None, 0.33),
    "sigma_spread": (None, 0.5),
    "kurtosis": (None, 0.4),
    "batchnorm": (None, 200),
}
"""Factors and their two levels; the first is plain noise injection from torch's initial weights.

- hidden, shape, last: of the initial weights (`neft.networks.Initialisation`).
- divisor: of the logits, with distillation of the teacher's, too; 4 is that of OVF and IRS with
  three feedbacks.
- clip: bound of the weights in standard deviations of their tensor; None for no bound.
- clip_per: whose standard deviations, the tensor's or each output channel's; nothing without clip.
- scale: of the devices, in training and in the test (`neft.chip.Hardware`).
- distillation: share of a noise-free pretraining whose answers the rest learns; None for none.
- ramp: share of the training over which sigma_d rises.
- sigma_spread: of each step's own sigma_d, and kurtosis, strength of KURE's penalty.
- batchnorm: images that re-estimate BatchNorm's statistics on each chip of the test; it changes no
  training.
"""

AFTER = "batchnorm"
"""The factor that is applied after training."""

LEAST_HALVED = 5
"""Factors of training, at least, of which half the combinations are enough: with fewer, effects
and interactions of two would hide one another."""


@dataclass(frozen=True)
class Combination:
    """One cell of the experiment.

    Args:
        levels: of each varied factor, as text.
        method: what is trained.
        scale: of the devices.
        images: that re-estimate BatchNorm's statistics; None for those of training.
    """

    levels: dict[str, str]
    method: Method
    scale: str = "tensor"
    images: int | None = None

    @property
    def name(self) -> str:
        """Name of the trained method, the same for cells that only the test tells apart."""
        levels = self.levels.items()
        return ",".join(f"{factor}={level}" for factor, level in levels if factor != AFTER)


def combinations(factors: Sequence[str], *, half: bool = False) -> list[Combination]:
    """List combinations of the factors' levels; other factors keep their first one.

    Args:
        factors: names in `FACTORS`.
        half: only combinations with an even number of second levels among the k factors of
            training, a fraction 2^(k-1) of resolution k, in which effects and interactions of two
            factors hide none of one another (Box, Hunter and Hunter, Statistics for Experimenters,
            2nd edition, 2005, chapter 6).

    Raises:
        ValueError: a factor is unknown, or there are too few factors for a half.
    """
    for factor in factors:
        one_of(FACTORS, factors=factor)
    trained = [factor for factor in factors if factor != AFTER]
    if half and len(trained) < LEAST_HALVED:
        rule = f"must be at least {LEAST_HALVED} of training with half"
        raise ValueError(f"factors {rule}, got {len(trained)}")
    found = []
    for places in product((0, 1), repeat=len(factors)):
        place = dict(zip(factors, places, strict=True))
        if half and sum(place[factor] for factor in trained) % 2:
            continue
        found.append(_combination(factors, place))
    return found


def _combination(factors: Sequence[str], place: Mapping[str, int]) -> Combination:
    """Return the cell with each factor at its first (0) or second (1) level."""
    values = {factor: levels[place.get(factor, 0)] for factor, levels in FACTORS.items()}
    start = Initialisation(values["hidden"], values["shape"], values["last"])
    settings = {
        "divisor": values["divisor"],
        "clip": values["clip"],
        "clip_per": values["clip_per"],
        "ramp": values["ramp"] or 0.0,
        "sigma_spread": values["sigma_spread"] or 0.0,
        "kurtosis": values["kurtosis"] or 0.0,
        "initialisation": start.name,
    }
    pretraining = values["distillation"]
    method: Method = (
        Distillation(pretraining=pretraining, **settings)
        if pretraining
        else NoiseInjection(**settings)
    )
    levels = {factor: level_name(values[factor]) for factor in factors}
    return Combination(levels, method, values["scale"], values[AFTER])


def level_name(level: str | float | None) -> str:
    """Write a level of a factor."""
    if level is None:
        return "none"
    return level if isinstance(level, str) else f"{level:g}"
