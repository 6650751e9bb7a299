"""Images of a training part without their labels, for what is set once on a network or a chip."""

from collections.abc import Sized

import torch
from torch import Tensor
from torch.utils.data import Dataset

from neft._utils.seeding import generator, seeded


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
