"""Corrections applied when a network is programmed onto a chip: what they have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sized

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from neft._utils.seeding import generator, seeded
from neft.chip import Deploy, Where, on_devices


class Deployment(ABC):
    """A correction at deployment: a frozen dataclass, whose representation tells all settings."""

    @abstractmethod
    def prepare(self, network: nn.Module, train: Dataset, *, where: Where = on_devices) -> Deploy:
        """Do what is done once for a network, and return what programs each chip.

        Args:
            network: a trained network; it is not changed.
            train: the training part, the only data that a correction may use.
            where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).

        Returns:
            The `deploy` of `neft.chip.monte_carlo.accuracy_over_chips`.

        Raises:
            ValueError: the correction does not apply to the network.
        """


def training_images(train: Dataset, count: int) -> Tensor:
    """Draw images without replacement from a training part, in the form that training sees them.

    The draw is the same every time. With a smaller count, the images are the first of those with
    a larger count.

    Args:
        train: pairs of an image and its label, which is not used.
        count: number of images.

    Returns:
        Images, [count, channels, height, width].

    Raises:
        ValueError: the part has no length, or fewer images.
    """
    if not isinstance(train, Sized):
        raise ValueError(f"train must have a length, got {type(train).__name__}")
    if not 1 <= count <= len(train):
        raise ValueError(f"images must be 1 to {len(train)}, the training part, got {count}")
    rows = torch.randperm(len(train), generator=generator("deployment"))[:count]
    with seeded("deployment"):  # the part may augment at each read
        return torch.stack([train[row][0] for row in rows.tolist()])
