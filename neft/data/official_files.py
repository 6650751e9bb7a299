"""Readers of MNIST's and CIFAR's official files, which are checked and never downloaded.

A missing or damaged file raises one ValueError: which file, what is wrong, how to download it.
"""

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, CIFAR100, MNIST
from torchvision.datasets.mnist import read_image_file, read_label_file
from torchvision.datasets.utils import check_integrity

from neft._utils.files import check_regular
from neft.data.loading import Part, digests


@dataclass(frozen=True)
class OfficialFiles:
    """Where a data set's files must lie, and where they come from.

    Args:
        name: of the data set.
        place: the data set's own folder inside the folder of data sets.
        files: names of the files that must be in it.
        url: of the file, or the folder of files, that its authors distribute.
    """

    name: str
    place: str
    files: tuple[str, ...]
    url: str

    def check(self, folder: Path) -> None:
        """Raise ValueError if a file is missing."""
        for file in self.files:
            path = folder / self.place / file
            try:
                check_regular(path)
            except ValueError as error:
                problem = str(error).removeprefix(f"{path}: ")
                raise self.error(folder, path, problem) from error

    def error(self, folder: Path, path: Path, problem: str) -> ValueError:
        """Return the error that says what is wrong with a file and how to download it."""
        folder = folder.absolute()
        command = f"neft download {self.name} --folder {shlex.quote(str(folder))}"
        return ValueError(
            f"{path.absolute()}: {problem}; to get it from {self.url} remove "
            f"{folder / self.place}, if it is there, and run: {command}"
        )


MNIST_FILES = OfficialFiles(
    "mnist",
    "MNIST/raw",
    tuple(file.removesuffix(".gz") for file, _ in MNIST.resources),
    MNIST.mirrors[0],
)

CIFAR_IMAGES = {
    **{f"data_batch_{i}.bin": 10_000 for i in range(1, 6)},
    "test_batch.bin": 10_000,
    "train.bin": 50_000,
    "test.bin": 10_000,
}
"""Number of images in each file of the binary version, of which no MD5 are published."""

CIFAR_URL = "https://www.cs.toronto.edu/~kriz/"
CIFAR_BINARY = {
    "cifar10": OfficialFiles(
        "cifar10",
        "cifar-10-batches-bin",
        (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"),
        f"{CIFAR_URL}cifar-10-binary.tar.gz",
    ),
    "cifar100": OfficialFiles(
        "cifar100", "cifar-100-binary", ("train.bin", "test.bin"),
        f"{CIFAR_URL}cifar-100-binary.tar.gz",
    ),
}  # fmt: skip
CIFARS: dict[str, type[CIFAR10]] = {"cifar10": CIFAR10, "cifar100": CIFAR100}


def _pickles(kind: type[CIFAR10]) -> dict[str, str]:
    """Names and published MD5 of the files."""
    return dict([*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])])


def cifar_files(name: str, folder: Path) -> OfficialFiles:
    """Return the files of CIFAR-10 or CIFAR-100: the binary version, or pickles if only they are
    there."""
    binary, kind = CIFAR_BINARY[name], CIFARS[name]
    if (folder / binary.place).exists() or not (folder / kind.base_folder).exists():
        return binary
    return OfficialFiles(name, kind.base_folder, tuple(_pickles(kind)), binary.url)


def read_mnist(folder: Path) -> tuple[Part, Part]:
    """Read the official training and test parts of MNIST.

    Args:
        folder: folder of data sets; the files are in its MNIST/raw, unpacked.

    Raises:
        ValueError: a file is missing or damaged.
    """
    MNIST_FILES.check(folder)
    return _mnist_part(folder, "train"), _mnist_part(folder, "t10k")


def _mnist_part(folder: Path, prefix: str) -> Part:
    source = MNIST_FILES
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
    if problem := wrong_labels(labels, 10):
        raise source.error(folder, labels_file, problem)
    return Part(images[:, None], labels, digests(images.numpy()))


def wrong_labels(labels: Tensor, classes: int) -> str:
    """Say what is wrong with the labels of a part; "" if nothing is."""
    counts = torch.bincount(labels, minlength=classes).tolist()
    if len(counts) > classes:
        return f"labels must be 0 to {classes - 1}, got {len(counts) - 1}"
    if min(counts) < 2:
        rare = counts.index(min(counts))
        return f"every class must have at least 2 images, {rare} has {counts[rare]}"
    return ""


def _read_idx(folder: Path, read: Callable[[str], Tensor], path: Path) -> Tensor:
    try:
        return read(str(path))
    except (AssertionError, KeyError, OSError, RuntimeError, TypeError, ValueError) as error:
        raise MNIST_FILES.error(folder, path, "not a whole file of its kind") from error


def read_cifar(name: str, folder: Path) -> tuple[Part, Part]:
    """Read the official training and test parts of CIFAR-10 or CIFAR-100 (fine labels).

    Args:
        name: cifar10 or cifar100.
        folder: folder of data sets; the files are in its cifar-10-batches-bin or cifar-100-binary,
            or, without these, in its cifar-10-batches-py or cifar-100-python.

    Raises:
        ValueError: a file is missing or damaged.
    """
    source = cifar_files(name, folder)
    source.check(folder)
    if source is not CIFAR_BINARY[name]:
        return _unpickled(source, folder)
    *train, test = source.files
    return _records(source, folder, train), _records(source, folder, [test])


PIXELS = 3 * 32 * 32


def _records(source: OfficialFiles, folder: Path, files: list[str]) -> Part:
    """Read records of one byte for each kind of label, the finest last, and 3,072 of pixels."""
    kinds, classes = {"cifar10": (1, 10), "cifar100": (2, 100)}[source.name]
    found = []
    for file in files:
        path, size = folder / source.place / file, kinds + PIXELS
        content, images = np.fromfile(path, np.uint8), CIFAR_IMAGES[file]
        if len(content) != images * size:
            rule = f"must hold {images:,} records of {size:,} bytes"
            raise source.error(folder, path, f"{rule}, has {len(content):,} bytes")
        found.append(content.reshape(-1, size))
        if (last := found[-1][:, kinds - 1].max()) >= classes:
            raise source.error(folder, path, f"labels must be 0 to {classes - 1}, got {last}")
    records = np.concatenate(found)
    labels = torch.from_numpy(records[:, kinds - 1].astype(np.int64))
    if problem := wrong_labels(labels, classes):
        place = path if len(files) == 1 else path.parent
        raise source.error(folder, place, problem)
    pixels = np.ascontiguousarray(records[:, kinds:]).reshape(-1, 3, 32, 32)
    return Part(torch.from_numpy(pixels), labels, digests(pixels))


def _unpickled(source: OfficialFiles, folder: Path) -> tuple[Part, Part]:
    kind = CIFARS[source.name]
    # The files are pickles, and unpickling can run code. So no file is opened before all MD5 are
    # checked: here, to name the file that differs, and again by torchvision, whose constructor
    # compares batches (`_check_integrity`) and names (`_load_meta`) before it unpickles them.
    for file, md5 in _pickles(kind).items():
        path = folder / source.place / file
        if not check_integrity(path, md5):
            raise source.error(folder, path, f"damaged: its MD5 is not the published {md5}")
    return _cifar_part(kind(folder, train=True)), _cifar_part(kind(folder, train=False))


def _cifar_part(stored: CIFAR10) -> Part:
    pixels = np.ascontiguousarray(stored.data.transpose(0, 3, 1, 2))
    return Part(torch.from_numpy(pixels), torch.tensor(stored.targets), digests(pixels))
