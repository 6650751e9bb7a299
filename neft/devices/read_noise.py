"""Read noise: how the conductance of a programmed device changes from one read to the next."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from neft._utils.checks import at_least, finite, non_negative, positive

_STEP = 4  # ratio of neighbouring corners: the sum of the parts departs from a power law by < 1 %


@dataclass(frozen=True)
class ReadNoise:
    """Stationary noise of one device: a white, a 1/f and a telegraph part, which are independent.

    - White: Gaussian, drawn anew at each read.
    - 1/f (flicker): a sum of Ornstein-Uhlenbeck processes with corner frequencies from `high_Hz`
      down to `low_Hz`, each a quarter of the one before, and variances proportional to
      corner^(1 - exponent). Between the two ends the spectrum is close to 1/f^exponent, below
      `low_Hz` it is flat. It is a sum over many traps, as in McWhorter's model of 1/f noise.
    - Telegraph: the device jumps between two states, at -`telegraph` and +`telegraph`, which last
      1 / (pi corner_Hz) seconds on average (Machlup, doi 10.1063/1.1721637).

    Sizes are standard deviations in fractions of a device's full range. The noise of a device does
    not depend on its conductance, and no device differs from another in its statistics.

    Args:
        name: the model's name in tables and figures.
        source: where the model's numbers come from.
        white: size of the white part.
        flicker: size of the 1/f part.
        exponent: of 1/f^exponent.
        telegraph: size of the telegraph part.
        corner_Hz: frequency at which the telegraph spectrum is half of its value at 0.
        low_Hz: lower end of the 1/f part; changes that take longer than 1 / low_Hz are left out.
        high_Hz: upper end of the 1/f part.

    Raises:
        ValueError: a size negative, a frequency not positive, the exponent not finite, or low_Hz
            not below high_Hz.
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
        finite(exponent=self.exponent)
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
        like = dict(device=generator.device, dtype=dtype)
        gaussian = [part for part in self._flicker_parts() if part[0]]
        kept = [math.exp(-2 * math.pi * corner * interval_s) for _, corner in gaussian]
        normal = [torch.randn(*shape, generator=generator, **like) for _ in gaussian]
        stays = (1 + math.exp(-2 * math.pi * self.corner_Hz * interval_s)) / 2
        state = torch.ones(*shape, **like)
        switch = 0.5  # both states are equally likely at the first read
        while True:
            noise = torch.zeros(*shape, **like)
            if self.white:
                noise += self.white * torch.randn(*shape, generator=generator, **like)
            for (size, _), value in zip(gaussian, normal, strict=True):
                noise += size * value
            if self.telegraph:
                jumps = torch.rand(*shape, generator=generator, **like) < switch
                state, switch = torch.where(jumps, -state, state), 1 - stays
                noise += self.telegraph * state
            yield noise
            for value, r in zip(normal, kept, strict=True):
                fresh = torch.randn(*shape, generator=generator, **like)
                value.mul_(r).add_(fresh, alpha=math.sqrt(1 - r**2))

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
        count = math.ceil(math.log(self.high_Hz / self.low_Hz, _STEP)) + 1
        corners = self.high_Hz * float(_STEP) ** -np.arange(count)
        share = corners ** (1 - self.exponent)
        sizes = self.flicker * np.sqrt(share / share.sum())
        return list(zip(sizes.tolist(), corners.tolist(), strict=True))
