"""What the explorer shows: a network, its chips, and what is around their devices."""

import math
from dataclasses import dataclass
from functools import cache

from neft._utils.checks import at_least, non_negative, one_of
from neft.chip import Converters, Hardware, Percentile
from neft.data.download import DOWNLOADS
from neft.evaluation import load_trained
from neft.evaluation.example_images import COUNT
from neft.explore.aged_devices import hardware_at
from neft.pretrained import FOLDER, network_names


@cache
def networks() -> list[str]:
    """List the trained networks whose images come with the package, too."""
    return [
        name
        for name in network_names()
        if load_trained(FOLDER / f"{name}.safetensors")[1]["dataset"]["name"] not in DOWNLOADS
    ]


@dataclass(frozen=True)
class Choices:
    """A trained network on chips.

    Args:
        network: in `networks()`.
        device: in `neft.devices.MODEL_NAMES`.
        sigma_d: standard deviation of a device's error, fraction of its full range; None for the
            size that was measured on the device.
        time_s: seconds since programming, of devices that have times; None for their last one.
        clip: the trained weights of each tensor are clipped to this many of its standard
            deviations before they are programmed; None for no clipping.
        converter_bits: bits of the converters at the inputs and the outputs of every layer; None
            for exact signals.
        population: which chips; those of equal number have the same random draws.
        chips: number of chips.
        images: number of test images that each chip classifies, evenly spaced in the test part;
            a multiple of 4, so that the four example images are among them.

    Raises:
        ValueError: a name is unknown, a number is outside its range, sigma_d is None although no
            size was measured, or time_s is outside the times that were measured.
    """

    network: str
    device: str
    sigma_d: float | None = 0.1
    time_s: float | None = None
    clip: float | None = None
    converter_bits: int | None = None
    population: int = 0
    chips: int = 20
    images: int = 100

    def __post_init__(self) -> None:
        one_of(networks(), network=self.network)
        hardware_at(self.device, self.time_s)
        non_negative(sigma_d=self.size)
        if self.clip is not None and not 1 < self.clip < math.inf:
            raise ValueError(f"clip must be above 1 and finite, got {self.clip}")
        at_least(0, population=self.population)
        at_least(2, chips=self.chips)
        at_least(1, images=self.images)
        if self.images % COUNT:
            raise ValueError(f"images must be a multiple of {COUNT}, got {self.images}")
        _ = self.converters  # which checks their bits

    @property
    def hardware(self) -> Hardware:
        """The devices at their time."""
        return hardware_at(self.device, self.time_s)

    @property
    def size(self) -> float:
        """sigma_d, or the measured one."""
        return self.hardware.sigma_d_measured if self.sigma_d is None else self.sigma_d

    @property
    def converters(self) -> Converters:
        """Converters whose ranges cut none of the calibration images' signals without errors."""
        if self.converter_bits is None:
            return Converters()
        bits, whole = self.converter_bits, Percentile(100)
        return Converters(bits, bits, input_range=whole, output_range=whole)
