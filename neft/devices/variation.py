"""How far a programmed device misses its target: the spread of its error against conductance.

Conductance `u` and errors are fractions of a device's full range, so that one model serves any
device. `sigma_d` sets the size of the error, a model only its shape over the range; `sample`
draws errors of both.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class VariationModel(ABC):
    """Error of a programmed device, whose spread depends on its conductance; Gaussian by default.

    Args:
        name: how tables and figures call it.
        source: where its numbers come from.
    """

    symmetric: ClassVar[bool] = True
    """Whether errors of either sign are alike, and so have a mean of zero."""

    name: str
    source: str

    @abstractmethod
    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        """Standard deviation of the error at conductance `u` in [0, 1]; may be of no dimension."""

    def sample(
        self, u: Tensor, sigma_d: float, *, generator: torch.Generator, shrink: float = 1.0
    ) -> Tensor:
        """Draw one error per device, as a fraction of the full range.

        Args:
            u: conductances in [0, 1], any shape.
            sigma_d: standard deviation of the error, fraction of the full range.
            generator: source of the draw, on the device of `u`.
            shrink: factor of the error's deviation from its mean at `u`, but not of the mean:
                what averaging over several devices at `u` does.

        Returns:
            Errors, shape and dtype of `u`.
        """
        z = torch.randn(u.shape, generator=generator, device=u.device, dtype=u.dtype)
        return z.mul_(self.spread(u, sigma_d * shrink))


@dataclass(frozen=True)
class RatioGaussian(VariationModel):
    """Middle levels vary `ratio` times as much as outer ones (NeFT, arXiv 2305.14561).

    spread(u) = sigma_d (ratio if 0.25 < u < 0.75 else 1) / sqrt(0.4 ratio^2 + 0.6)

    Raises:
        ValueError: ratio not positive.
    """

    ratio: float

    def __post_init__(self) -> None:
        if not self.ratio > 0:
            raise ValueError(f"ratio must be positive, got {self.ratio}")

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        outer = sigma_d * (0.4 * self.ratio**2 + 0.6) ** -0.5
        if self.ratio == 1:
            return torch.tensor(outer, dtype=u.dtype, device=u.device)
        middle = (u - 0.5).abs_().lt_(0.25)  # 0 or 1, in place: faster than a mask
        return middle.mul_(self.ratio * outer - outer).add_(outer)


@dataclass(frozen=True)
class PolynomialGaussian(VariationModel):
    """A published fit of the spread as a polynomial of the conductance, in microsiemens.

    The device's range [0, 1] is the range in which the fit holds. The shape is sigma(G) over its
    root mean square there; `sigma_d_measured` is the published size.

    Args:
        coefficients: of sigma (uS) in powers of G (uS), constant first.
        low_uS: lower end of the valid range.
        high_uS: upper end of the valid range.

    Raises:
        ValueError: the range is empty, or sigma is not positive in all of it.
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
