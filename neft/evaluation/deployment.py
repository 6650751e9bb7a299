"""How a network gets onto a chip: programming its weights, and help that a deployment adds."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from neft._utils.seeding import generator, seeded
from neft.chip.layers import Where, on_devices
from neft.chip.programming import Deploy


class Deployment(ABC):
    """Help at deployment: a frozen dataclass, so that its representation tells all."""

    @abstractmethod
    def prepare(self, network: nn.Module, train: Dataset, *, where: Where = on_devices) -> Deploy:
        """Do what is done once for a network, and return what is done for each chip.

        Args:
            network: a trained one; it is not changed.
            train: the training part, which is all that a deployment may look at.
            where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).

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
