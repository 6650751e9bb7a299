"""How a network gets onto a chip: programming its weights, and help that a deployment adds."""

from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from neft.hardware import Hardware
from neft.layers import Where, on_devices
from neft.seeding import generator, seeded


class Deploy(Protocol):
    """What puts a network onto one chip, as `neft.mapping.program` does."""

    def __call__(
        self,
        network: nn.Module,
        hardware: Hardware,
        sigma_d: float,
        *,
        generator: torch.Generator,
        where: Where = on_devices,
    ) -> dict[str, Tensor]:
        """Return parameters and buffers by name, for `torch.func.functional_call`."""


class Deployment(ABC):
    """Help at deployment: a frozen dataclass, so that its representation tells all."""

    @abstractmethod
    def prepare(self, network: nn.Module, train: Dataset, *, where: Where = on_devices) -> Deploy:
        """Do what is done once for a network, and return what is done for each chip.

        Args:
            network: a trained one; it is not changed.
            train: the training part, which is all that a deployment may look at.
            where: (weight's name, its layer) -> whether it is on devices (see `neft.layers`).

        Raises:
            ValueError: the network cannot be helped this way.
        """


def training_images(train: Dataset, count: int) -> Tensor:
    """Draw different images from a training part, in the form that training sees them.

    The draw is the same every time; of two counts the smaller one's images are the first of the
    larger one's.

    Args:
        train: pairs of an image and what is not looked at, its label.
        count: how many.

    Returns:
        Images, [count, channels, height, width].

    Raises:
        ValueError: the part does not have so many.
    """
    if not 1 <= count <= len(train):
        raise ValueError(f"images must be 1 to {len(train)}, the training part, got {count}")
    rows = torch.randperm(len(train), generator=generator("deployment"))[:count]
    with seeded("deployment"):  # for a part that is augmented at each read
        return torch.stack([train[row][0] for row in rows.tolist()])
