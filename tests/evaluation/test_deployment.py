"""Laws of what a deployment may look at."""

import pytest
import torch
from torch.utils.data import Dataset

from neft.data.datasets import Splits
from neft.evaluation.deployment import training_images


def member(image: torch.Tensor, images: torch.Tensor) -> bool:
    return bool((images == image).flatten(1).all(1).any())


def test_images_are_different_ones_of_the_training_part_never_of_the_others(tiny: Splits) -> None:
    images = training_images(tiny.train, 96)
    assert images.flatten(1).unique(dim=0).shape[0] == 96
    assert all(member(image, tiny.train.tensors[0]) for image in images)
    for part in (tiny.validation, tiny.test):
        assert not any(member(image, part.tensors[0]) for image in images)


def test_fewer_images_are_the_first_of_more_and_not_sorted_by_class(tiny: Splits) -> None:
    images = training_images(tiny.train, 96)
    assert torch.equal(training_images(tiny.train, 10), images[:10])
    assert not torch.equal(images, tiny.train.tensors[0])


class Unlabelled(Dataset):
    """Augmented at each read; refuses to hand out a label."""

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> "Pair":
        return Pair(torch.rand(1, 2, 2))


class Pair(tuple):
    def __new__(cls, image: torch.Tensor) -> "Pair":
        return super().__new__(cls, (image, None))

    def __getitem__(self, index: int) -> torch.Tensor:
        assert index == 0, "a label was looked at"
        return super().__getitem__(index)


def test_labels_are_not_looked_at_and_augmentation_repeats() -> None:
    state = torch.get_rng_state()
    assert torch.equal(training_images(Unlabelled(), 5), training_images(Unlabelled(), 5))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("count", [0, 97])
def test_impossible_counts_are_refused(count: int, tiny: Splits) -> None:
    with pytest.raises(ValueError, match=f"images must be 1 to 96, the training part, got {count}"):
        training_images(tiny.train, count)
