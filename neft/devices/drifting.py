"""Devices whose conductance drifts by a power law of time, as that of phase-change memory does."""

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from neft._utils.checks import non_negative, positive
from neft.devices.measured import PLACES, at_nearest
from neft.devices.published_fits import PolynomialGaussian, inside


@dataclass(frozen=True)
class DriftingGaussian(PolynomialGaussian):
    """A programmed conductance that drifts, each device with an exponent of its own.

    G(t) = (G + sigma(G) z) (1 + t / t_0)^(-nu), nu = |mu(x) + s(x) z'|, with the target G, x = G /
    high_uS, t the time since the first read, t_0 that between programming and the first read, and
    z, z' independent and standard normal. mu(x) and s(x) are linear in ln x, within limits. (The
    form of aihwkit's noise model pcm.py, which refers to the phase-change memory of Nandakumar et
    al., doi 10.1109/ICECS46596.2019.8964852; it also cuts conductances at 0 and adds 1/f noise.)

    The error G(t) - G has a mean, the drift, and a spread. Its size is the root mean square over
    the range, the mean included; sigma_d scales all of it. `sigma_uS` is the spread at t = 0.

    A model draws the same random numbers at every time, so that with the same generator a chip
    keeps its devices as it ages.

    Args:
        time_s: t, seconds since the first read.
        first_read_s: t_0, seconds between programming and the first read.
        nu_mean: of mu(x): slope over ln x, value at x = 1, lower and upper limit.
        nu_std: of s(x), the same four.

    Raises:
        ValueError: time_s is negative or not finite, first_read_s or a lower limit of nu_std is
            not positive, or what `PolynomialGaussian` raises.

    Examples:
        >>> from neft.devices import PRESETS
        >>> hour = PRESETS["PCM_drift"].at(3600)
        >>> hour.sigma_d_measured < PRESETS["PCM_drift"].sigma_d_measured
        True
    """

    symmetric: ClassVar[bool] = False

    time_s: float
    first_read_s: float
    nu_mean: tuple[float, float, float, float]
    nu_std: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative(time_s=self.time_s)
        positive(first_read_s=self.first_read_s, **{"nu_std[2]": self.nu_std[2]})

    def at(self, time_s: float) -> "DriftingGaussian":
        """Return the same devices at another time, s since the first read."""
        return replace(self, time_s=time_s)

    @cached_property
    def sigma_d_measured(self) -> float:
        """Root mean square of the whole error over the valid range, as a fraction of it."""
        return self._moments(inside()).square().sum(0).mean().sqrt().item()

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        _, std = _tabulated(self, u.dtype, u.device)
        return at_nearest(std, u).mul_(sigma_d / self.sigma_d_measured)

    def sample(
        self, u: Tensor, sigma_d: float, *, generator: torch.Generator, shrink: float = 1.0
    ) -> Tensor:
        z, exponent = (
            torch.randn(u.shape, generator=generator, device=u.device, dtype=u.dtype)
            for _ in range(2)
        )
        conductance = self._conductances(u)
        mean, std = self._nu(conductance)
        kept = exponent.mul_(std).add_(mean).abs_().mul_(-self._log_time).exp_()
        error = z.mul_(self._sigma(conductance)).mul_(kept).add_(conductance.mul_(kept.sub_(1)))
        error.div_(self.high_uS - self.low_uS)
        if shrink != 1:
            drift = at_nearest(_tabulated(self, u.dtype, u.device)[0], u)
            error.sub_(drift).mul_(shrink).add_(drift)
        return error.mul_(sigma_d / self.sigma_d_measured)

    @property
    def _log_time(self) -> float:
        return math.log1p(self.time_s / self.first_read_s)

    def _nu(self, conductance: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and s, the mean and standard deviation of nu before its absolute value."""
        smallest = torch.finfo(conductance.dtype).tiny
        logarithm = (conductance / self.high_uS).clamp_min_(smallest).log_()
        mean, std = (
            (slope * logarithm + value).clamp_(low, high)
            for slope, value, low, high in (self.nu_mean, self.nu_std)
        )
        return mean, std

    def _moments(self, u: Tensor) -> Tensor:
        """Return mean and standard deviation of the error, fractions of the range, [2, ...].

        With f = (1 + t / t_0)^(-nu): mean G (E f - 1), variance G^2 var f + sigma^2 E f^2.
        """
        conductance = self._conductances(u)
        nu = self._nu(conductance)
        once, twice = (_folded(*nu, -power * self._log_time) for power in (1, 2))
        mean = conductance * (once - 1)
        variance = conductance**2 * (twice - once**2) + self._sigma(conductance) ** 2 * twice
        return torch.stack([mean, variance.sqrt()]) / (self.high_uS - self.low_uS)


def _folded(mean: Tensor, std: Tensor, t: float) -> Tensor:
    """Return E exp(t |X|) of a normal X."""
    positive, negative = (
        (sign * mean * t + (std * t) ** 2 / 2).exp()
        * torch.special.ndtr(sign * mean / std + std * t)
        for sign in (1, -1)
    )
    return positive + negative


@lru_cache(maxsize=32)
def _tabulated(model: DriftingGaussian, dtype: torch.dtype, device: torch.device) -> Tensor:
    places = torch.linspace(0, 1, PLACES, dtype=torch.float64)
    return model._moments(places).to(device, dtype)
