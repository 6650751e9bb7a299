"""Readers of MNIST's and CIFAR's official files, which are checked and never downloaded.

A missing or damaged file raises one ValueError: which file, what is wrong, how to download it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100, MNIST
from torchvision.datasets.mnist import read_image_file, read_label_file
from torchvision.datasets.utils import check_integrity

from neft.data.loading import Part, digests


@dataclass(frozen=True)
class Source:
    """Where a data set's files must lie, and how a user downloads them.

    Args:
        place: the data set's own folder inside the folder of data sets.
        files: names of the files that must be in it.
        url: where the data set comes from.
        command: shell command that downloads it, for the user to run; {folder} stands for the
            folder of data sets.
    """

    place: str
    files: tuple[str, ...]
    url: str
    command: str

    def check(self, folder: Path) -> None:
        """Raise ValueError if a file is missing."""
        for file in self.files:
            path = folder / self.place / file
            if not path.is_file():
                raise self.error(folder, path, "no such file")

    def error(self, folder: Path, path: Path, problem: str) -> ValueError:
        """Return the error that says what is wrong with a file and how to download it."""
        folder = folder.resolve()
        return ValueError(
            f"{path.resolve()}: {problem}; to get it from {self.url} remove "
            f"{folder / self.place}, if it is there, and run: {self.command.format(folder=folder)}"
        )


def _by_torchvision(kind: type, place: str, files: list[str], url: str) -> Source:
    name = kind.__name__
    code = f'from torchvision.datasets import {name}; {name}("{{folder}}", download=True)'
    return Source(place, tuple(files), url, f"python -c '{code}'")


def _cifar_files(kind: type[CIFAR10]) -> dict[str, str]:
    """Names and published MD5 of the files."""
    return dict([*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])])


CIFARS: dict[str, type[CIFAR10]] = {"cifar10": CIFAR10, "cifar100": CIFAR100}
SOURCES = {
    "mnist": _by_torchvision(
        MNIST,
        "MNIST/raw",
        [file.removesuffix(".gz") for file, _ in MNIST.resources],
        MNIST.mirrors[0],
    ),
    **{
        name: _by_torchvision(kind, kind.base_folder, [*_cifar_files(kind)], kind.url)
        for name, kind in CIFARS.items()
    },
}


def read_mnist(folder: Path) -> tuple[Part, Part]:
    """Read the official training and test parts of MNIST.

    Args:
        folder: folder of data sets; the files are in its MNIST/raw, unpacked.

    Raises:
        ValueError: a file is missing or damaged.
    """
    SOURCES["mnist"].check(folder)
    return _mnist_part(folder, "train"), _mnist_part(folder, "t10k")


def _mnist_part(folder: Path, prefix: str) -> Part:
    source = SOURCES["mnist"]
    images_file = folder / source.place / f"{prefix}-images-idx3-ubyte"
    labels_file = folder / source.place / f"{prefix}-labels-idx1-ubyte"
    images = _read_idx(folder, read_image_file, images_file)
    labels = _read_idx(folder, read_label_file, labels_file)
    if images.shape[1:] != (28, 28):
        height, width = images.shape[1:]
        raise source.error(folder, images_file, f"images must be 28 x 28, are {height} x {width}")
    if len(labels) != len(images):
        problem = f"{len(labels)} labels for {len(images)} images"
        raise source.error(folder, labels_file, problem)
    counts = torch.bincount(labels, minlength=10).tolist()
    if len(counts) > 10:
        raise source.error(folder, labels_file, f"labels must be 0 to 9, got {len(counts) - 1}")
    if min(counts) < 2:
        digit = counts.index(min(counts))
        problem = f"every class must have at least 2 images, {digit} has {counts[digit]}"
        raise source.error(folder, labels_file, problem)
    return Part(images[:, None], labels, digests(images.numpy()))


def _read_idx(folder: Path, read: Callable[[str], Tensor], path: Path) -> Tensor:
    try:
        return read(str(path))
    except (AssertionError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise SOURCES["mnist"].error(folder, path, "not a whole file of its kind") from error


def read_cifar(name: str, folder: Path) -> tuple[Part, Part]:
    """Read the official training and test parts of CIFAR-10 or CIFAR-100 (fine labels).

    Args:
        name: cifar10 or cifar100.
        folder: folder of data sets; the files are in its cifar-10-batches-py or
            cifar-100-python.

    Raises:
        ValueError: a file is missing, or its MD5 is not the published one.
    """
    source, kind = SOURCES[name], CIFARS[name]
    source.check(folder)
    # The files are pickles, and unpickling can run code. So no file is opened before all MD5 are
    # checked: here, to name the file that differs, and again by torchvision, whose constructor
    # compares batches (`_check_integrity`) and names (`_load_meta`) before it unpickles them.
    for file, md5 in _cifar_files(kind).items():
        path = folder / source.place / file
        if not check_integrity(path, md5):
            raise source.error(folder, path, f"damaged: its MD5 is not the published {md5}")
    return _cifar_part(kind(folder, train=True)), _cifar_part(kind(folder, train=False))


def _cifar_part(stored: CIFAR10) -> Part:
    pixels = np.ascontiguousarray(stored.data.transpose(0, 3, 1, 2))
    return Part(torch.from_numpy(pixels), torch.tensor(stored.targets), digests(pixels))
