"""Training, validation and test parts of your own images in memory."""

from collections.abc import Sized
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset

from neft.data.datasets import Splits
from neft.data.loading import digests, first_of_each_class


def split_tensors(
    images: Tensor, labels: Tensor, *, test: tuple[Tensor, Tensor] | None = None
) -> Splits:
    """Divide images: a tenth of each class validates, and without `test` a fifth tests.

    Which images of a class are in which part depends on their SHA-256 alone.

    Args:
        images: as the network takes them, [n, channels, height, width]; floats, kept as float32 on
            the CPU.
        labels: class indices from 0, [n].
        test: images and labels for testing.

    Raises:
        ValueError: shapes or types do not fit, an image is not finite, or a class has too few
            different images for all parts.
    """
    images, labels = _checked(images, labels)
    classes = int(labels.max()) + 1
    found = digests(images.numpy())
    order = np.argsort(found, kind="stable")
    images, labels, found = images[order], labels[order], found[order]
    given = labels, found
    if test is None:
        tests = first_of_each_class(labels.numpy(), found, 5)
        test = images[tests], labels[tests]
        images, labels, found = images[~tests], labels[~tests], found[~tests]
    test = _checked(*test)
    if test[0].shape[1:] != images.shape[1:] or test[1].max() >= classes:
        rule = f"{list(images.shape[1:])} of {classes} classes, as for training"
        got = f"{list(test[0].shape[1:])} of {int(test[1].max()) + 1}"
        raise ValueError(f"test images must be {rule}, got {got}")
    held_out = first_of_each_class(labels.numpy(), found, 10)
    trained = torch.bincount(labels[~held_out], minlength=classes)
    if not trained.all():  # a class that is here is in the other parts, too
        of_class = given[1][given[0] == trained.argmin()]
        rule = "every class must have different images for each part"
        got = f"{len(of_class)} images, {len(set(of_class))} different"
        raise ValueError(f"{rule}, got class {trained.argmin()} with {got}")
    return Splits(
        TensorDataset(images[~held_out], labels[~held_out]),
        TensorDataset(images[held_out], labels[held_out]),
        TensorDataset(*test),
        classes,
    )


def _checked(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return images, float32, and labels, int64, both on the CPU."""
    for name, given in (("images", images), ("labels", labels)):
        if not isinstance(given, Tensor):
            raise ValueError(f"{name} must be a tensor, got {type(given).__name__}")
    if images.dim() != 4 or not len(images) or not images.is_floating_point():
        got = f"{list(images.shape)} of {images.dtype}"
        raise ValueError(f"images must be float, [n, channels, height, width], got {got}")
    if not images.isfinite().all():
        broken = images.isfinite().flatten(1).all(1).int().argmin()
        raise ValueError(f"images must be finite, got another value in image {broken}")
    if labels.shape != images.shape[:1] or labels.is_floating_point():
        got = f"{list(labels.shape)} of {labels.dtype}"
        raise ValueError(f"labels must be {len(images)} class indices from 0, got {got}")
    if labels.min() < 0:
        raise ValueError(f"labels must be class indices from 0, got {labels.min()}")
    return images.detach().float().cpu(), labels.long().cpu()


def split_datasets(train: Dataset, test: Dataset | None = None) -> Splits:
    """Divide data sets of pairs, an image and its class index, for example torchvision's.

    All images are read once and stay in memory.

    Args:
        train: has a length; its images are tensors of one shape.
        test: the same; without it, a fifth of each class of `train` tests.

    Raises:
        ValueError: a data set gives something else; see also `split_tensors`.
    """
    parts = [_stacked(each) for each in (train, test) if each is not None]
    return split_tensors(*parts[0], test=parts[1] if test is not None else None)


def _stacked(data: Dataset) -> tuple[Tensor, Tensor]:
    try:
        pairs = [data[i] for i in range(len(cast(Sized, data)))]
        images, labels = zip(*pairs, strict=True)
        return torch.stack(images), torch.tensor([int(label) for label in labels])
    except (TypeError, ValueError, RuntimeError) as error:
        rule = "pairs of an image, as a tensor of one shape, and its class index"
        raise ValueError(f"{type(data).__name__} must give {rule}: {error}") from error
