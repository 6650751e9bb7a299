"""Read noise: how the conductance of a programmed device changes from one read to the next."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from neft._utils.checks import at_least, non_negative, positive

_STEP = 4  # largest ratio of neighbouring corners: the sum differs from a power law by below 1 %


@dataclass(frozen=True)
class ReadNoise:
    """Stationary noise of one device: a white, a 1/f and a telegraph part, which are independent.

    - White: Gaussian, drawn anew at each read.
    - 1/f (flicker): a sum of Ornstein-Uhlenbeck processes, whose corner frequencies go from
      `low_Hz` to `high_Hz` in equal ratios of at most 4, with variances proportional to
      corner^(1 - exponent). Between the two ends the spectrum is close to 1/f^exponent, below
      `low_Hz` it is flat. Noise from many traps has this form (McWhorter's model of 1/f noise).
    - Telegraph: the device jumps between two states, at -`telegraph` and +`telegraph`, which last
      1 / (pi corner_Hz) seconds on average (Machlup, doi 10.1063/1.1721637).

    Sizes are standard deviations in fractions of a device's full range. The noise of a device does
    not depend on its conductance, and no device differs from another in its statistics.

    Args:
        name: the model's name in tables and figures.
        source: where the model's numbers come from.
        white: size of the white part.
        flicker: size of the 1/f part.
        exponent: of 1/f^exponent, at most 2: no such sum falls more steeply.
        telegraph: size of the telegraph part.
        corner_Hz: frequency at which the telegraph spectrum is half of its value at 0.
        low_Hz: lower end of the 1/f part; changes that take longer than 1 / low_Hz are left out.
        high_Hz: upper end of the 1/f part.

    Raises:
        ValueError: a size negative, a frequency not positive, the exponent outside [0, 2], or
            low_Hz not below high_Hz.
    """

    name: str
    source: str
    white: float
    flicker: float
    exponent: float
    telegraph: float
    corner_Hz: float
    low_Hz: float
    high_Hz: float

    def __post_init__(self) -> None:
        non_negative(white=self.white, flicker=self.flicker, telegraph=self.telegraph)
        if not 0 <= self.exponent <= 2:
            raise ValueError(f"exponent must be in [0, 2], got {self.exponent}")
        positive(corner_Hz=self.corner_Hz, low_Hz=self.low_Hz, high_Hz=self.high_Hz)
        if not self.low_Hz < self.high_Hz:
            raise ValueError(
                f"low_Hz must be below high_Hz, got {self.low_Hz:g} and {self.high_Hz:g}"
            )

    @property
    def sigma(self) -> float:
        """Standard deviation of a read, all parts together, fraction of the full range."""
        return math.hypot(self.white, self.flicker, self.telegraph)

    def spectrum(self, frequency_Hz: np.ndarray, interval_s: float) -> np.ndarray:
        """Return the one-sided power spectral density of reads at a fixed interval.

        It is that of the sampled series, with the power from above half the read rate folded back.

        Args:
            frequency_Hz: any shape.
            interval_s: time from one read to the next.

        Returns:
            Squared fractions of the full range per Hz, the shape of `frequency_Hz`.
        """
        density = np.full(np.shape(frequency_Hz), 2 * interval_s * self.white**2)
        for size, corner in (*self._flicker_parts(), (self.telegraph, self.corner_Hz)):
            r = math.exp(-2 * math.pi * corner * interval_s)
            wave = np.cos(2 * np.pi * np.asarray(frequency_Hz) * interval_s)
            density += 2 * interval_s * size**2 * (1 - r**2) / (1 - 2 * r * wave + r**2)
        return density

    def reads(
        self,
        shape: Sequence[int],
        *,
        interval_s: float,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> Iterator[Tensor]:
        """Yield the noise of successive reads of many devices, without end.

        Args:
            shape: one device for each element.
            interval_s: time from one read to the next.
            generator: source of the draws; the noise is on its device.
            dtype: of the noise.

        Yields:
            Noise of one read, fractions of the full range, in `shape`.
        """
        positive(interval_s=interval_s)

        def kept(corner: float) -> float:
            return math.exp(-2 * math.pi * corner * interval_s)

        def normal() -> Tensor:
            return torch.randn(size, generator=generator, **like)

        size = tuple(shape)
        like: dict[str, Any] = {"device": generator.device, "dtype": dtype}
        flicker = [(part, kept(corner), normal()) for part, corner in self._flicker_parts() if part]
        state, jump = torch.ones(size, **like), 0.5  # at first both states are equally likely
        while True:
            noise = torch.zeros(size, **like)
            if self.white:
                noise += self.white * normal()
            for part, _, value in flicker:
                noise += part * value
            if self.telegraph:
                jumps = torch.rand(size, generator=generator, **like) < jump
                state, jump = torch.where(jumps, -state, state), (1 - kept(self.corner_Hz)) / 2
                noise += self.telegraph * state
            yield noise
            for _, r, value in flicker:
                value.mul_(r).add_(normal(), alpha=math.sqrt(1 - r**2))

    def sample(
        self,
        shape: Sequence[int],
        reads: int,
        *,
        interval_s: float,
        generator: torch.Generator,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Draw the noise of `reads` successive reads: the first ones of `self.reads`.

        Returns:
            Noise, fractions of the full range, [reads, *shape].

        Raises:
            ValueError: fewer than one read, or interval_s not positive.
        """
        at_least(1, reads=reads)
        each = self.reads(shape, interval_s=interval_s, generator=generator, dtype=dtype)
        return torch.stack(list(islice(each, reads)))

    def _flicker_parts(self) -> list[tuple[float, float]]:
        """Return size and corner frequency of the processes whose sum is the 1/f part."""
        steps = math.ceil(math.log(self.high_Hz / self.low_Hz, _STEP) - 1e-3)
        corners = np.geomspace(self.low_Hz, self.high_Hz, max(steps, 1) + 1)
        share = corners ** (1 - self.exponent)
        sizes = self.flicker * np.sqrt(share / share.sum())
        return list(zip(sizes.tolist(), corners.tolist(), strict=True))
