"""Stored images, their augmentation and shuffled batches, a batch at a time."""

import hashlib
from collections.abc import Callable, Iterable, Sequence, Sized
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Subset, TensorDataset


@dataclass(frozen=True)
class Part:
    """A part of a data set as it is stored.

    Args:
        pixels: uint8, [n, channels, height, width].
        labels: class indices, [n].
        digests: hexadecimal SHA-256 of each image's stored content, [n].
    """

    pixels: Tensor
    labels: Tensor
    digests: np.ndarray


def digests(images: np.ndarray) -> np.ndarray:
    """SHA-256 of each image's pixels: sorting by it is a shuffle that depends on nothing else."""
    return np.array([hashlib.sha256(image.tobytes()).hexdigest() for image in images])


def first_of_each_class(labels: np.ndarray, digests: np.ndarray, share: int) -> np.ndarray:
    """Choose the n-th part of each class, rounded up, whose digests come first.

    The choice is the same on any machine and for any order of the images. Equal images of a class
    are both chosen or both left, so that more may be chosen.

    Args:
        labels: class indices, [n].
        digests: of the images, [n].
        share: 10 for a tenth.

    Returns:
        Whether each image is chosen, [n].
    """
    chosen = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        last = np.sort(digests[rows])[(len(rows) - 1) // share]
        chosen[rows] = digests[rows] <= last
    return chosen


class Images(Dataset):
    """Stored images and their labels; images are transformed at each read.

    An index gives an image and its label, several indices give a batch of them.
    """

    def __init__(self, part: Part, transform: Callable[[Tensor], Tensor]) -> None:
        self.part, self.transform = part, transform

    def __len__(self) -> int:
        return len(self.part.labels)

    def __getitem__(self, index: int | Sequence[int]) -> tuple[Tensor, Tensor]:
        if isinstance(index, int):
            images, labels = self[[index]]
            return images[0], labels[0]
        return self.transform(self.part.pixels[index]), self.part.labels[index]


class CropAndFlip(nn.Module):
    """Crop each image at a random place after padding it with black, and mirror half of them.

    torchvision's own transforms crop all images of a batch at one place. Draws are from torch's
    global generator.

    Args:
        size: side of the crops.
        padding: pixels at each side.
    """

    def __init__(self, size: int, padding: int) -> None:
        super().__init__()
        self.size, self.padding = size, padding

    def forward(self, images: Tensor) -> Tensor:
        """[batch, channels, height, width] -> [batch, channels, size, size]."""
        padded = F.pad(images, [self.padding] * 4)
        count, _, height, width = padded.shape
        along = torch.arange(self.size)
        rows = torch.randint(height - self.size + 1, (count, 1)) + along
        columns = torch.randint(width - self.size + 1, (count, 1)) + along
        mirrored = torch.rand(count, 1) < 0.5
        columns = torch.where(mirrored, columns.flip(1), columns)
        of_image = torch.arange(count)[:, None, None]
        # The indexed dimensions come first, so that channels are last.
        crops = padded[of_image, :, rows[:, :, None], columns[:, None, :]]
        return crops.movedim(3, 1)


def batches(
    data: Dataset, batch_size: int, *, generator: torch.Generator
) -> Iterable[tuple[Tensor, Tensor]]:
    """Return batches of images and labels in random order, the last one with the rest.

    Args:
        data: pairs of an image and its label. `TensorDataset` and `Images`, and subsets of them,
            are read a batch at a time, all others image by image.
        batch_size: images per batch.
        generator: of the order.

    Raises:
        ValueError: the data have no length.
    """
    if not isinstance(data, Sized):
        raise ValueError(f"train must have a length, got {type(data).__name__}")
    order = RandomSampler(data, generator=generator)
    if _takes_lists(data):
        lists = BatchSampler(order, batch_size, drop_last=False)
        return DataLoader(data, batch_size=None, sampler=lists)
    return DataLoader(data, batch_size, sampler=order)


def _takes_lists(data: Dataset) -> bool:
    while isinstance(data, Subset):
        data = data.dataset
    return isinstance(data, TensorDataset | Images)
