"""Published fits of a programmed device's spread as a function of its conductance, sigma(G).

Conductances 0 and 1 are the ends of the range in which a fit holds. The shape is sigma(G) divided
by its root mean square over this range; `sigma_d_measured` is the published size.
"""

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from neft._utils.checks import finite, positive
from neft.devices.variation import VariationModel


@dataclass(frozen=True)
class PublishedFit(VariationModel):
    """A Gaussian whose spread is a published function of the conductance.

    Args:
        low_uS: lower end of the valid range.
        high_uS: upper end of the valid range.

    Raises:
        ValueError: the range is empty, or sigma is not positive everywhere inside it.
    """

    low_uS: float
    high_uS: float

    def __post_init__(self) -> None:
        if not 0 <= self.low_uS < self.high_uS < float("inf"):
            raise ValueError(
                f"low_uS must be below high_uS, non-negative and finite, "
                f"got {self.low_uS} and {self.high_uS}"
            )
        lowest = self._sigma(self._conductances(inside())).min().item()
        if not lowest > 0:
            raise ValueError(f"sigma must be positive in the valid range, got {lowest} uS")

    @abstractmethod
    def _sigma(self, conductance: Tensor) -> Tensor:
        """Return a new tensor with the spread at conductances of the valid range, both in uS."""

    def _conductances(self, u: Tensor) -> Tensor:
        return u * (self.high_uS - self.low_uS) + self.low_uS

    @cached_property
    def sigma_d_measured(self) -> float:
        """Root mean square of sigma over the valid range, as a fraction of that range."""
        square = self._sigma(self._conductances(inside())).square_().mean().item()
        return float(square**0.5 / (self.high_uS - self.low_uS))

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
        return self._sigma(torch.tensor(conductance_uS, dtype=torch.float64)).item()

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        width = self.high_uS - self.low_uS
        sigma = self._sigma(self._conductances(u))
        return sigma.mul_(sigma_d / (width * self.sigma_d_measured))


def inside(points: int = 10_000) -> Tensor:
    """Return evenly spaced conductances inside (0, 1), for means over the range."""
    return (torch.arange(points, dtype=torch.float64) + 0.5) / points


def _polynomial(conductance: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    """Return a polynomial's values; its constant is the first coefficient."""
    value = torch.zeros_like(conductance)
    for coefficient in reversed(coefficients):
        value.mul_(conductance).add_(coefficient)
    return value


@dataclass(frozen=True)
class PolynomialGaussian(PublishedFit):
    """The spread is a polynomial of the conductance.

    Args:
        coefficients: of the polynomial sigma(G), both in uS, constant first.

    Raises:
        ValueError: a coefficient is not finite, or what `PublishedFit` raises.
    """

    coefficients: tuple[float, ...]

    def __post_init__(self) -> None:
        finite(**{f"coefficients[{i}]": value for i, value in enumerate(self.coefficients)})
        super().__post_init__()

    def _sigma(self, conductance: Tensor) -> Tensor:
        return _polynomial(conductance, self.coefficients)

    @cached_property
    def sigma_d_measured(self) -> float:
        """Root mean square of sigma over the valid range, as a fraction of that range."""
        square = (np.polynomial.Polynomial(self.coefficients) ** 2).integ()
        width = self.high_uS - self.low_uS
        return float((square(self.high_uS) - square(self.low_uS)) / width) ** 0.5 / width


@dataclass(frozen=True)
class PiecewisePolynomialGaussian(PublishedFit):
    """The spread is one polynomial of the conductance after another.

    Args:
        pieces: coefficients of each polynomial sigma(G), both in uS, constant first.
        edges_uS: conductances up to which each polynomial but the last holds.

    Raises:
        ValueError: a coefficient is not finite, the edges do not increase inside the range, their
            number is not one below that of the polynomials, or what `PublishedFit` raises.
    """

    pieces: tuple[tuple[float, ...], ...]
    edges_uS: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.pieces) != len(self.edges_uS) + 1:
            raise ValueError(
                f"edges_uS must be one fewer than pieces, got {len(self.edges_uS)} "
                f"and {len(self.pieces)}"
            )
        if not all(a < b for a, b in pairwise((self.low_uS, *self.edges_uS, self.high_uS))):
            raise ValueError(f"edges_uS must increase inside the range, got {self.edges_uS}")
        for i, piece in enumerate(self.pieces):
            finite(**{f"pieces[{i}][{j}]": value for j, value in enumerate(piece)})
        super().__post_init__()

    def _sigma(self, conductance: Tensor) -> Tensor:
        sigma = _polynomial(conductance, self.pieces[0])
        for edge, piece in zip(self.edges_uS, self.pieces[1:], strict=True):
            sigma = torch.where(conductance > edge, _polynomial(conductance, piece), sigma)
        return sigma


@dataclass(frozen=True)
class SaturatingGaussian(PublishedFit):
    """The spread rises from 0 to a limit: sigma(G) = limit (1 - exp(-G / scale)).

    Args:
        limit_uS: spread of large conductances.
        scale_uS: conductance at which the spread is 63 % of the limit.

    Raises:
        ValueError: limit or scale is not positive and finite, or what `PublishedFit` raises.
    """

    limit_uS: float
    scale_uS: float

    def __post_init__(self) -> None:
        positive(limit_uS=self.limit_uS, scale_uS=self.scale_uS)
        super().__post_init__()

    def _sigma(self, conductance: Tensor) -> Tensor:
        return (conductance / -self.scale_uS).expm1_().mul_(-self.limit_uS)
