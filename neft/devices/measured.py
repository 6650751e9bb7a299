"""Variation as measured: the spread at each level, or the whole distribution of the error."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from neft.devices.variation import VariationModel


@dataclass(frozen=True)
class MeasuredGaussian(VariationModel):
    """Spread measured level by level, linear between the levels' mean conductances.

    It is tabulated at 16,385 conductances and looked up at the nearest, which is fast.

    The shape is sigma(g) over its root mean square across the levels, `sigma_d_measured`: the
    measurement itself is `sigma_d = sigma_d_measured`, any other sigma_d scales it. Mean drift
    and the tails are not part of this model. Outside the measured conductances the nearest
    level's spread holds.

    Args:
        time_s: seconds between programming (first read) and the reads.
        g: mean conductance of each level, increasing, fractions of the full range.
        sigma: standard deviation of the error at each level, fractions of the full range.

    Raises:
        ValueError: g not increasing within [0, 1], sigma not positive, or lengths unequal.
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
        if not all(0 <= a < b <= 1 for a, b in zip(self.g, self.g[1:], strict=False)):
            raise ValueError(f"g must increase within [0, 1], got {self.g}")
        if not all(s > 0 for s in self.sigma):
            raise ValueError(f"sigma must be positive, got {self.sigma}")

    @property
    def sigma_d_measured(self) -> float:
        """Root mean square over the levels of the measured spread, fraction of the full range."""
        return (sum(s**2 for s in self.sigma) / len(self.sigma)) ** 0.5

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        places = (u * (_PLACES - 1)).round_().to(torch.int32)
        return _look_up(sigma_d * _tabulated(self, u.dtype, u.device), places)


_PLACES = (1 << 14) + 1


def _look_up(table: Tensor, places: Tensor) -> Tensor:
    """Return table[places], which `index_select` does about three times as fast."""
    return torch.index_select(table, 0, places.flatten()).view_as(places)


@lru_cache(maxsize=32)
def _tabulated(model: MeasuredGaussian, dtype: torch.dtype, device: torch.device) -> Tensor:
    places = np.linspace(0, 1, _PLACES)
    spread = np.interp(places, model.g, model.sigma) / model.sigma_d_measured
    return torch.tensor(spread, dtype=dtype, device=device)


@dataclass(frozen=True)
class MeasuredQuantiles(VariationModel):
    """The whole measured error, by its quantiles at each level: drift, spread, skewness, tails.

    A device draws a rank; its error is the quantile of that rank, linear between probabilities
    and between levels. Beyond the outermost probabilities the error is that of the outermost
    one: tails further out were not tabulated and are cut. Tabulated at 257 conductances and
    4,096 ranks, and looked up.

    Models of several times show one chip as it ages, if they are sampled from equal generator
    states. With `draws` of 1 a device keeps its rank. Otherwise its normal score z, whose rank
    it takes, changes from time to time as z' = r z + sqrt(1 - r^2) e with the correlations r
    that were measured (a Gaussian copula, and a Markov chain: our choice).

    sigma_d scales the error, its mean too; `sigma_d_measured`, the root mean square of the
    tabulated error over ranks and levels, is the measurement itself.

    Args:
        time_s: seconds between programming (first read) and the reads.
        g: mean conductance of each level, increasing, fractions of the full range.
        probabilities: increasing, in (0, 1).
        quantiles: of the error, fractions of the full range; a row a level.
        correlations: r of a device's normal scores between consecutive times, up to this one's.
        draws: times in all, so that every time's model draws alike.

    Raises:
        ValueError: g or probabilities not increasing in their range, a row of another length,
            not finite or decreasing, no error at all, a correlation outside [-1, 1], or fewer
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
                f"quantiles must have a row for each of at least 2 levels and a column for each "
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
        if self.draws <= len(self.correlations):
            raise ValueError(
                f"draws must be above the number of correlations ({len(self.correlations)}), "
                f"got {self.draws}"
            )

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
        """Draw a rank for each device, of `_RANKS`."""
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
    """Errors at `_RANKS` evenly spaced ranks, a row for each level."""
    ranks = (np.arange(_RANKS) + 0.5) / _RANKS
    return np.stack([np.interp(ranks, model.probabilities, row) for row in model.quantiles])


@lru_cache(maxsize=32)
def _quantile_table(
    model: MeasuredQuantiles, shrink: float, dtype: torch.dtype, device: torch.device
) -> Tensor:
    """Errors in units of sigma_d: `_ROWS` conductances times `_RANKS` ranks, flat."""
    ranked = _ranked(model) / model.sigma_d_measured
    mean = ranked.mean(1, keepdims=True)
    ranked = mean + shrink * (ranked - mean)
    places = np.linspace(0, 1, _ROWS)
    table = np.stack([np.interp(places, model.g, column) for column in ranked.T], axis=1)
    return torch.tensor(table, dtype=dtype, device=device).flatten()
