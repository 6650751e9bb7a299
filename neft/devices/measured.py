"""Measured variation models: the spread at each level, or the whole distribution of the error."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from neft._utils.checks import at_least, positive
from neft.devices.variation import VariationModel


@dataclass(frozen=True)
class MeasuredGaussian(VariationModel):
    """Gaussian with the spread measured at each level, linear between their mean conductances.

    The shape is sigma(g) divided by its root mean square over the levels, `sigma_d_measured`. At
    `sigma_d = sigma_d_measured` the model is the measurement; any other sigma_d scales it. The
    model leaves out the error's mean and its tails. Beyond the outermost levels it takes the
    nearest level's spread. For speed, the spread is tabulated at 16,385 conductances and looked up
    at the nearest one.

    Args:
        time_s: seconds between programming (first read) and the reads.
        g: mean conductance of each level, increasing, fractions of the full range.
        sigma: standard deviation of the error at each level, fractions of the full range.

    Raises:
        ValueError: g not increasing within [0, 1], sigma not positive, or unequal lengths.
    """

    time_s: float
    g: tuple[float, ...]
    sigma: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.g) != len(self.sigma) or len(self.g) < 2:
            raise ValueError(
                "g and sigma must have the same length of at least 2, "
                f"got {len(self.g)} and {len(self.sigma)}"
            )
        if not all(0 <= a < b <= 1 for a, b in pairwise(self.g)):
            raise ValueError(f"g must increase within [0, 1], got {self.g}")
        for sigma in self.sigma:
            positive(sigma=sigma)

    @property
    def sigma_d_measured(self) -> float:
        """Root mean square over the levels of the measured spread, fraction of the full range."""
        return (sum(s**2 for s in self.sigma) / len(self.sigma)) ** 0.5

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        return at_nearest(sigma_d * _tabulated(self, u.dtype, u.device), u)


PLACES = (1 << 14) + 1
"""Conductances from 0 to 1 at which a smooth function is tabulated."""


def at_nearest(table: Tensor, u: Tensor) -> Tensor:
    """Return a table's values at the conductances nearest to `u`; its own are evenly spaced."""
    return _look_up(table, (u * (len(table) - 1)).round_().to(torch.int32))


def _look_up(table: Tensor, places: Tensor) -> Tensor:
    """Return table[places]; `index_select` is about three times as fast as indexing."""
    return torch.index_select(table, 0, places.flatten()).view_as(places)


@lru_cache(maxsize=32)
def _tabulated(model: MeasuredGaussian, dtype: torch.dtype, device: torch.device) -> Tensor:
    places = np.linspace(0, 1, PLACES)
    spread = np.interp(places, model.g, model.sigma) / model.sigma_d_measured
    return torch.tensor(spread, dtype=dtype, device=device)


@dataclass(frozen=True)
class MeasuredQuantiles(VariationModel):
    """Measured quantiles of the error at each level: mean, spread, skewness and tails.

    Each device draws a rank; its error is the quantile of that rank, linear between probabilities
    and between levels. Ranks beyond the outermost probabilities give the outermost quantile, as
    tails further out are not in the table. For speed, errors are tabulated at 257 conductances and
    4,096 ranks and looked up.

    Models of several times describe one ageing chip if they are sampled from equal generator
    states. With `draws` of 1 a device keeps its rank. Otherwise the rank is that of a normal score
    z, which changes from each time to the next as z' = r z + sqrt(1 - r^2) e with the measured
    correlations r (a Gaussian copula and a Markov chain: our choice).

    sigma_d scales the whole error, mean included. At `sigma_d = sigma_d_measured`, the root mean
    square of the tabulated error over ranks and levels, the model is the measurement.

    Args:
        time_s: seconds between programming (first read) and the reads.
        g: mean conductance of each level, increasing, fractions of the full range.
        probabilities: increasing, in (0, 1).
        quantiles: of the error, fractions of the full range; one row per level.
        correlations: r of a device's normal scores between consecutive times, up to this time.
        draws: number of times in all: every time's model draws as many random numbers.

    Raises:
        ValueError: g or probabilities not increasing in their range; quantiles of another shape,
            not finite, decreasing along a row, or all 0; a correlation outside [-1, 1]; fewer
            draws than times.
    """

    symmetric: ClassVar[bool] = False

    time_s: float
    g: tuple[float, ...]
    probabilities: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]
    correlations: tuple[float, ...] = ()
    draws: int = 1

    def __post_init__(self) -> None:
        table, places, ranks = (
            np.asarray(values, dtype=float)
            for values in (self.quantiles, self.g, self.probabilities)
        )
        if table.shape != (len(places), len(ranks)) or len(places) < 2:
            raise ValueError(
                f"quantiles must have one row for each of at least 2 levels and one column per "
                f"probability, got shape {table.shape} for {len(places)} and {len(ranks)}"
            )
        if not (np.diff(places) > 0).all() or places[0] < 0 or places[-1] > 1:
            raise ValueError(f"g must increase within [0, 1], got {self.g}")
        if not (np.diff(ranks) > 0).all() or ranks[0] <= 0 or ranks[-1] >= 1:
            raise ValueError(f"probabilities must increase within (0, 1), got {self.probabilities}")
        if not np.isfinite(table).all() or not (np.diff(table) >= 0).all() or not table.any():
            raise ValueError("quantiles must be finite, not decrease along a row, not all be 0")
        if not all(-1 <= r <= 1 for r in self.correlations):
            raise ValueError(f"correlations must be in [-1, 1], got {self.correlations}")
        at_least(len(self.correlations) + 1, draws=self.draws)

    @property
    def sigma_d_measured(self) -> float:
        """Root mean square of the tabulated error over ranks and levels, fraction of the range."""
        return float(np.sqrt(np.mean(_ranked(self) ** 2)))

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        deviation = sigma_d * _ranked(self).std(1) / self.sigma_d_measured
        return torch.as_tensor(np.interp(u.cpu(), self.g, deviation)).to(u)

    def sample(
        self, u: Tensor, sigma_d: float, *, generator: torch.Generator, shrink: float = 1.0
    ) -> Tensor:
        places = (u * (_ROWS - 1)).round_().to(torch.int32)
        places.mul_(_RANKS).add_(self._ranks(u, generator))
        return _look_up(_quantile_table(self, shrink, u.dtype, u.device), places).mul_(sigma_d)

    def _ranks(self, u: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one rank per device, below `_RANKS`."""
        if self.draws == 1:
            return torch.randint(
                _RANKS, u.shape, generator=generator, device=u.device, dtype=torch.int32
            )
        scores = [
            torch.randn(u.shape, generator=generator, device=u.device, dtype=u.dtype)
            for _ in range(self.draws)
        ]
        score = scores[0]
        for r, innovation in zip(self.correlations, scores[1:], strict=False):
            score = r * score + (1 - r**2) ** 0.5 * innovation
        return (torch.special.ndtr(score) * _RANKS).to(torch.int32).clamp_(max=_RANKS - 1)


_ROWS, _RANKS = 257, 4096


def _ranked(model: MeasuredQuantiles) -> np.ndarray:
    """Errors at `_RANKS` evenly spaced ranks, one row per level."""
    ranks = (np.arange(_RANKS) + 0.5) / _RANKS
    return np.stack([np.interp(ranks, model.probabilities, row) for row in model.quantiles])


@lru_cache(maxsize=32)
def _quantile_table(
    model: MeasuredQuantiles, shrink: float, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Errors in units of sigma_d at `_ROWS` conductances and `_RANKS` ranks, flattened."""
    ranked = _ranked(model) / model.sigma_d_measured
    mean = ranked.mean(1, keepdims=True)
    ranked = mean + shrink * (ranked - mean)
    places = np.linspace(0, 1, _ROWS)
    table = np.stack([np.interp(places, model.g, column) for column in ranked.T], axis=1)
    return torch.tensor(table, dtype=dtype, device=device).flatten()
