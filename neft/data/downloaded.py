"""The data sets whose files must be downloaded, as training, validation and test parts.

Of the files, `neft.data.official_files` and `neft.data.tiny_imagenet` are the readers.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Subset, TensorDataset
from torchvision.transforms import v2

from neft.data.datasets import Splits
from neft.data.loading import CropAndFlip, Images, Part, first_of_each_class
from neft.data.official_files import MNIST_FILES, OfficialFiles, cifar_files, read_cifar, read_mnist
from neft.data.tiny_imagenet import SIDE, TINY_IMAGENET, read_tiny_imagenet

NORMALISATION: dict[str, tuple[list[float], list[float]]] = {
    "mnist": ([0.5], [0.5]),
    "cifar10": ([0.491, 0.482, 0.446], [0.247, 0.243, 0.261]),
    "cifar100": ([0.5071, 0.4867, 0.4408], [0.2675, 0.2565, 0.2761]),
    "tiny_imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
}
"""Mean and deviation of each channel by which pixels in [0, 1] are normalised.

As in the public code of NeFT (github.com/YifanQin-ND/NeFT_CIM at c86c8ad), whose preparation of
images these functions follow; the paper's text gives the crop and the flip only.
"""


def official_files(name: str, folder: Path) -> OfficialFiles:
    """Return the files of a data set that this folder holds or should hold."""
    if name in ("cifar10", "cifar100"):
        return cifar_files(name, folder)
    return {"mnist": MNIST_FILES, "tiny_imagenet": TINY_IMAGENET}[name]


def splits(train: Part, test: Part, plain: v2.Transform, augmented: v2.Transform) -> Splits:
    """Hold out a tenth of each class of the training part, for validation."""
    order = np.argsort(train.digests, kind="stable")
    held_out = first_of_each_class(train.labels.numpy(), train.digests, 10)[order]
    validation = order[held_out]
    return Splits(
        train=Subset(Images(train, augmented), order[~held_out].tolist()),
        validation=TensorDataset(plain(train.pixels[validation]), train.labels[validation]),
        test=TensorDataset(plain(test.pixels), test.labels),
        classes=len(test.labels.unique()),
    )


def _normalised(name: str) -> list[v2.Transform]:
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize(*NORMALISATION[name])]


def _resized(part: Part, side: int) -> Part:
    """Resize images to side x side (bilinear, antialiased); those of this size stay as they are."""
    return replace(part, pixels=v2.functional.resize(part.pixels, [side, side]))


def _augmented_splits(name: str, parts: tuple[Part, Part], side: int) -> Splits:
    """Random crop after padding by 4 black pixels, and horizontal flip, in training only."""
    plain = v2.Compose(_normalised(name))
    augmented = v2.Compose([CropAndFlip(side, padding=4), *_normalised(name)])
    train, test = (_resized(part, side) for part in parts)
    return splits(train, test, plain, augmented)


def mnist(folder: Path, side: int = 32) -> Splits:
    """Return MNIST, resized (bilinear), without augmentation.

    Raises:
        ValueError: a file is missing or damaged.
    """
    plain = v2.Compose(_normalised("mnist"))
    train, test = (_resized(part, side) for part in read_mnist(folder))
    return splits(train, test, plain, plain)


def cifar10(folder: Path, side: int = 32) -> Splits:
    """Return CIFAR-10: random crop (padding 4) and flip in training.

    Raises:
        ValueError: a file is missing or damaged.
    """
    return _augmented_splits("cifar10", read_cifar("cifar10", folder), side)


def cifar100(folder: Path, side: int = 32) -> Splits:
    """Return CIFAR-100 with its 100 fine labels, prepared as CIFAR-10.

    Raises:
        ValueError: a file is missing or damaged.
    """
    return _augmented_splits("cifar100", read_cifar("cifar100", folder), side)


def tiny_imagenet(folder: Path, side: int = SIDE) -> Splits:
    """Return Tiny ImageNet-200 at 64 x 64 pixels; crop and flip as for CIFAR-10.

    The test part is the official validation part, because the official test images have no labels.

    Raises:
        ValueError: a file is missing or damaged.
    """
    return _augmented_splits("tiny_imagenet", read_tiny_imagenet(folder), side)
