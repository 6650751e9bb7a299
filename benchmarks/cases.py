"""What every contender is measured on: a VGG-8, its images, and the size of the devices' errors."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from neft import networks
from neft._utils.seeding import generator
from neft.chip import Hardware
from neft.networks import VGG8

HARDWARE = Hardware.load("RRAM1")
SIGMA_D = 0.1


class Unavailable(Exception):
    """A contender cannot be measured here; the message says why."""


@dataclass(frozen=True)
class Case:
    """A VGG-8 and how many images it sees.

    Args:
        width: multiplier of its channel counts.
        classes: number of its outputs.
        batch: images of a training step.
        images: that a chip classifies.
        pass_batch: images of a forward pass of the plain and the peers' networks; the paper's code
            tests with 128. Our own chooses for itself.
        chips: of a Monte Carlo run.
        neft_cim: folder of the paper's code, or None.
    """

    width: float = 1.0
    classes: int = 10
    batch: int = 64
    images: int = 1000
    pass_batch: int = 128
    chips: int = 1
    neft_cim: Path | None = None

    def network(self) -> VGG8:
        """Return a new network, always with the same weights."""
        return networks.build("vgg8", classes=self.classes, channels=3, width=self.width, seed=0)

    def training_batch(self) -> tuple[Tensor, Tensor]:
        """Return images and labels of a training step."""
        return random_images(self.batch), torch.arange(self.batch) % self.classes


def random_images(count: int, channels: int = 3, side: int = 32) -> Tensor:
    """Return standard normal images, [count, channels, side, side]."""
    return torch.randn(count, channels, side, side, generator=generator("images"))
