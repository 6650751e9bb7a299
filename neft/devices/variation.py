"""Gaussian models of a programmed device's error, whose spread depends on the conductance.

Conductances `u` and errors are fractions of a device's full range, so that one model serves any
device. `sigma_d` sets the size of the error, the model only its shape over the range; `sample`
draws errors of this size and shape.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from neft._utils.checks import positive


@dataclass(frozen=True)
class VariationModel(ABC):
    """Random error of a programmed device, by its conductance; Gaussian unless a subclass says so.

    Args:
        name: the model's name in tables and figures.
        source: where the model's numbers come from.
    """

    symmetric: ClassVar[bool] = True
    """Whether the error's distribution is symmetric about zero."""

    name: str
    source: str

    @abstractmethod
    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        """Return the standard deviation of the error at conductances `u` in [0, 1].

        Its shape is that of `u`, or () if the spread is the same everywhere.
        """

    def sample(
        self, u: Tensor, sigma_d: float, *, generator: torch.Generator, shrink: float = 1.0
    ) -> Tensor:
        """Draw one error per device, as a fraction of the full range.

        Args:
            u: conductances in [0, 1], any shape.
            sigma_d: standard deviation of the error, fraction of the full range.
            generator: random generator, on the device of `u`.
            shrink: factor of the error's deviation from its mean at `u`; the mean is kept.
                This is the effect of averaging over several devices at `u`.

        Returns:
            Errors, with the shape and dtype of `u`.
        """
        z = torch.randn(u.shape, generator=generator, device=u.device, dtype=u.dtype)
        return z.mul_(self.spread(u, sigma_d * shrink))


def is_middle(u: Tensor) -> Tensor:
    """Return 1 for middle conductances (0.25 < u < 0.75) and 0 for the others, in u's dtype."""
    return (u - 0.5).abs_().lt_(0.25)  # in place: faster than a mask


@dataclass(frozen=True)
class RatioGaussian(VariationModel):
    """The spread of middle levels is `ratio` times that of outer ones (NeFT, arXiv 2305.14561).

    spread(u) = sigma_d (ratio if 0.25 < u < 0.75 else 1) / sqrt(0.4 ratio^2 + 0.6)

    Raises:
        ValueError: ratio not positive and finite.
    """

    ratio: float

    def __post_init__(self) -> None:
        positive(ratio=self.ratio)

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        outer = sigma_d * (0.4 * self.ratio**2 + 0.6) ** -0.5
        if self.ratio == 1:
            return torch.tensor(outer, dtype=u.dtype, device=u.device)
        return is_middle(u).mul_(self.ratio * outer - outer).add_(outer)
