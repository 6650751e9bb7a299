"""Gaussian models of a programmed device's error, whose spread depends on the conductance.

Conductances `u` and errors are fractions of a device's full range, so that one model serves any
device. `sigma_d` sets the size of the error, the model only its shape over the range; `sample`
draws errors of this size and shape.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from neft._utils.checks import finite, positive


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


@dataclass(frozen=True)
class PolynomialGaussian(VariationModel):
    """A published fit of the spread as a polynomial of the conductance, in microsiemens.

    Conductances 0 and 1 are the ends of the range in which the fit holds. The shape is sigma(G)
    divided by its root mean square over this range; `sigma_d_measured` is the published size.

    Args:
        coefficients: of the polynomial sigma(G), both in uS, constant first.
        low_uS: lower end of the valid range.
        high_uS: upper end of the valid range.

    Raises:
        ValueError: the range is empty, a coefficient is not finite, or sigma is not positive
            everywhere in the range.
    """

    coefficients: tuple[float, ...]
    low_uS: float
    high_uS: float

    def __post_init__(self) -> None:
        if not 0 <= self.low_uS < self.high_uS < float("inf"):
            raise ValueError(
                f"low_uS must be below high_uS, non-negative and finite, "
                f"got {self.low_uS} and {self.high_uS}"
            )
        finite(**{f"coefficients[{i}]": value for i, value in enumerate(self.coefficients)})
        lowest = self._polynomial(np.linspace(self.low_uS, self.high_uS, 1001)).min()
        if not lowest > 0:
            raise ValueError(f"sigma must be positive in the valid range, got {lowest} uS")

    @property
    def _polynomial(self) -> np.polynomial.Polynomial:
        return np.polynomial.Polynomial(self.coefficients)

    @cached_property
    def sigma_d_measured(self) -> float:
        """Root mean square of sigma over the valid range, as a fraction of that range."""
        square = (self._polynomial**2).integ()
        width = self.high_uS - self.low_uS
        return float((square(self.high_uS) - square(self.low_uS)) / width) ** 0.5 / width

    def sigma_uS(self, conductance_uS: float) -> float:
        """Return the published spread at a conductance, both in microsiemens.

        Raises:
            ValueError: the conductance is outside the valid range.
        """
        if not self.low_uS <= conductance_uS <= self.high_uS:
            raise ValueError(
                f"conductance_uS of {self.name} must be in [{self.low_uS}, {self.high_uS}], "
                f"got {conductance_uS}"
            )
        return float(self._polynomial(conductance_uS))

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        width = self.high_uS - self.low_uS
        conductance = u * width + self.low_uS
        sigma = torch.zeros_like(u)
        for coefficient in reversed(self.coefficients):
            sigma.mul_(conductance).add_(coefficient)
        return sigma.mul_(sigma_d / (width * self.sigma_d_measured))
