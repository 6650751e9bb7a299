"""Laws of the images that are drawn from a training part without their labels."""

import pytest
import torch
from torch.utils.data import Dataset

from neft.data.calibration import training_images
from neft.data.datasets import Splits


def member(image: torch.Tensor, images: torch.Tensor) -> bool:
    return bool((images == image).flatten(1).all(1).any())


def test_images_are_distinct_shuffled_and_from_the_training_part_alone(tiny: Splits) -> None:
    images = training_images(tiny.train, 96)
    assert images.flatten(1).unique(dim=0).shape[0] == 96
    assert all(member(image, tiny.train.tensors[0]) for image in images)
    for part in (tiny.validation, tiny.test):
        assert not any(member(image, part.tensors[0]) for image in images)
    assert torch.equal(training_images(tiny.train, 10), images[:10])
    assert not torch.equal(images, tiny.train.tensors[0])


class Unlabelled(Dataset):
    """A data set that augments at each read and whose labels must not be read."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> "Pair":
        return Pair(torch.rand(1, 2, 2))


class Pair(tuple):
    def __new__(cls, image: torch.Tensor) -> "Pair":
        return super().__new__(cls, (image, None))

    def __getitem__(self, index: int) -> torch.Tensor:
        assert index == 0, "a label was read"
        return super().__getitem__(index)


def test_labels_are_not_read_and_augmentation_repeats() -> None:
    state = torch.get_rng_state()
    assert torch.equal(training_images(Unlabelled(), 5), training_images(Unlabelled(), 5))
    assert torch.equal(torch.get_rng_state(), state)


def test_impossible_counts_and_a_part_without_a_length_are_refused(tiny: Splits) -> None:
    for count in (0, 97):
        with pytest.raises(ValueError, match=f"must be 1 to 96, the training part, got {count}"):
            training_images(tiny.train, count)
    with pytest.raises(ValueError, match="train must have a length, got Dataset"):
        training_images(Dataset(), 1)
