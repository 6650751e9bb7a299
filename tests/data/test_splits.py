"""Laws of the downloaded data sets, read from small files in the official formats."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.datasets import CLASSES, Stored, draw, write
from helpers.training import HARDWARE, Killed, same
from PIL import Image
from torch import Tensor, nn

from neft import networks
from neft._utils.seeding import seeded
from neft.data import datasets
from neft.data.datasets import Splits
from neft.data.downloaded import NORMALISATION
from neft.training import IRS, Method, NoiseInjection, Schedule, train

AUGMENTED = ["cifar10", "cifar100", "tiny_imagenet"]
SIDE = {"mnist": 32, "cifar10": 32, "cifar100": 32, "tiny_imagenet": 64}


@pytest.fixture
def stored(name: str, tmp_path: Path, monkeypatch) -> Stored:
    made = draw(name)
    write(name, tmp_path, made, monkeypatch)
    return made


@pytest.fixture
def splits(name: str, stored: Stored, tmp_path: Path) -> Splits:
    return datasets.load(name, tmp_path)


def stored_pixels(name: str, images: Tensor) -> np.ndarray:
    """Undo the normalisation."""
    mean, std = (torch.tensor(each)[:, None, None] for each in NORMALISATION[name])
    pixels = (images * std + mean) * 255
    torch.testing.assert_close(pixels, pixels.round(), rtol=0, atol=1e-4)
    return pixels.round().to(torch.uint8).numpy()


def prepared(name: str, images: np.ndarray) -> np.ndarray:
    """Resize digits as PIL does, image by image."""
    if name != "mnist":
        return images
    digits = (Image.fromarray(image[0]).resize((32, 32), Image.BILINEAR) for image in images)
    return np.stack([np.asarray(digit)[None] for digit in digits])


def key(image: np.ndarray) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()


def views(name: str, images: np.ndarray) -> dict[bytes, tuple[int, int, int, bool]]:
    """Map each crop of the padded images, plain or mirrored, to image, offsets and mirrored."""
    pad, side = (0 if name == "mnist" else 4), SIDE[name]
    padded = np.pad(prepared(name, images), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    offsets = range(padded.shape[2] - side + 1)
    return {
        key(crop[:, :, ::-1] if mirrored else crop): (i, top, left, mirrored)
        for i, image in enumerate(padded)
        for top in offsets
        for left in offsets
        for crop in [image[:, top : top + side, left : left + side]]
        for mirrored in (False, True)
    }


def read(name: str, splits: Splits) -> tuple[list[np.ndarray], list[int]]:
    """Read the training part once; return stored pixels and labels."""
    images, labels = zip(*(splits.train[i] for i in range(len(splits.train))), strict=True)
    return [stored_pixels(name, image) for image in images], [int(label) for label in labels]


@pytest.mark.parametrize("name", CLASSES)
def test_the_test_part_is_the_official_one(name: str, stored: Stored, splits: Splits) -> None:
    images, labels = splits.test.tensors
    np.testing.assert_array_equal(stored_pixels(name, images), prepared(name, stored.test))
    np.testing.assert_array_equal(labels, stored.test_labels)
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert (splits.classes, splits.channels) == (CLASSES[name], stored.test.shape[1])


@pytest.mark.parametrize("name", CLASSES)
def test_training_and_validation_are_the_official_training_part(
    name: str, stored: Stored, splits: Splits
) -> None:
    original = views(name, stored.train)
    images, labels = read(name, splits)
    trained = [original[key(image)][0] for image in images]
    validated = [
        original[key(image)][0] for image in stored_pixels(name, splits.validation.tensors[0])
    ]
    assert sorted(trained + validated) == list(range(len(stored.train)))
    labels += splits.validation.tensors[1].tolist()
    assert stored.train_labels[trained + validated].tolist() == labels


@pytest.mark.parametrize("name", CLASSES)
def test_images_can_be_of_another_side(name: str, stored: Stored, tmp_path: Path) -> None:
    splits = datasets.load(name, tmp_path, side=16)
    image, _ = splits.train[0]
    assert image.shape[1:] == (16, 16) and splits.side == 16
    first = Image.fromarray(stored.test[0].transpose(1, 2, 0).squeeze())
    resized = np.asarray(first.resize((16, 16), Image.BILINEAR)).reshape(16, 16, -1)
    found = stored_pixels(name, splits.test.tensors[0][:1])[0].transpose(1, 2, 0)
    np.testing.assert_allclose(found.astype(int), resized, atol=1)


@pytest.mark.parametrize(("each", "tenth"), [(2, 1), (10, 1), (11, 2), (30, 3)])
def test_a_tenth_of_each_class_rounded_up_validates(
    each: int, tenth: int, tmp_path: Path, monkeypatch
) -> None:
    write("mnist", tmp_path, draw("mnist", each), monkeypatch)
    labels = datasets.load("mnist", tmp_path).validation.tensors[1]
    assert torch.bincount(labels).tolist() == [tenth] * 10


@pytest.mark.parametrize("name", CLASSES)
def test_the_split_does_not_depend_on_the_order_of_the_images(
    name: str, tmp_path: Path, monkeypatch
) -> None:
    parts = []
    for seed in (0, 1):
        write(name, tmp_path / str(seed), draw(name, seed=seed), monkeypatch)
        parts.append(datasets.load(name, tmp_path / str(seed)).validation.tensors)
    assert all(map(torch.equal, *parts))


def test_the_split_is_fixed(tmp_path: Path, monkeypatch) -> None:
    made = draw("mnist")
    write("mnist", tmp_path, made, monkeypatch)
    images, _ = datasets.load("mnist", tmp_path).validation.tensors
    original = views("mnist", made.train)
    rows = [original[key(image)][0] for image in stored_pixels("mnist", images)]
    padded = np.pad(made.train[rows], ((0, 0), (0, 0), (2, 2), (2, 2)))
    digest = hashlib.sha256(padded.tobytes()).hexdigest()
    assert digest == "24d52787bbe4c1208ff786a9f13efb45fe1a85f0b5703f19dcdfd049dfc1c635"


def test_equal_images_of_a_class_are_in_one_part(tmp_path: Path, monkeypatch) -> None:
    made = draw("mnist", each=5)
    thrice = Stored(
        made.train.repeat(3, axis=0), made.train_labels.repeat(3), made.test, made.test_labels
    )
    write("mnist", tmp_path, thrice, monkeypatch)
    splits = datasets.load("mnist", tmp_path)
    trained = Counter(map(key, read("mnist", splits)[0]))
    validated = Counter(map(key, stored_pixels("mnist", splits.validation.tensors[0])))
    assert set(trained).isdisjoint(validated)
    assert set(trained.values()) == set(validated.values()) == {3}  # a tenth of 15 would be 2


@pytest.mark.parametrize("name", AUGMENTED)
def test_training_has_every_crop_and_half_of_the_images_mirrored(
    name: str, stored: Stored, splits: Splits
) -> None:
    original = views(name, stored.train)
    reads = 600
    with seeded("reads"):
        seen = [original[key(stored_pixels(name, splits.train[0][0]))] for _ in range(reads)]
    assert len({image for image, *_ in seen}) == 1
    for offsets in ([top for _, top, _, _ in seen], [left for _, _, left, _ in seen]):
        counts = np.bincount(offsets, minlength=9)
        assert len(counts) == 9
        # A count is binomial; 4.5 standard deviations, for 18 counts in each of 3 sets.
        assert np.abs(counts - reads / 9).max() < 4.5 * np.sqrt(reads * 8 / 81)
    mirrored = sum(mirrored for *_, mirrored in seen)
    assert abs(mirrored - reads / 2) < 4.5 * np.sqrt(reads / 4)


@pytest.mark.parametrize("name", ["mnist"])
def test_digits_are_not_augmented(splits: Splits) -> None:
    np.testing.assert_array_equal(read("mnist", splits)[0], read("mnist", splits)[0])


@pytest.mark.parametrize("name", ["cifar10"])
def test_augmentation_draws_from_the_global_generator_alone(splits: Splits) -> None:
    with seeded("one"):
        first = read("cifar10", splits)[0]
    with seeded("one"):
        np.testing.assert_array_equal(first, read("cifar10", splits)[0])
    with seeded("other"):
        assert not np.array_equal(first, read("cifar10", splits)[0])


def fit(splits: Splits, method: Method, state: Path | None = None, seed: int = 0) -> nn.Module:
    net = networks.build("vgg8", classes=10, channels=3, width=0.05, seed=0)
    schedule = Schedule(epochs=3, batch_size=8, validation_chips=1)
    train(net, method, splits, HARDWARE, 0.1, schedule, seed=seed, state=state, progress=False)
    return net


@pytest.mark.parametrize("name", ["cifar10"])
@pytest.mark.parametrize("method", [NoiseInjection(), IRS(beta=0.1, hidden=4)])
@pytest.mark.parametrize("steps", [1, 4, 7])  # of 9: killed in each of the three epochs
def test_killed_run_on_augmented_images_continues_to_the_same_bits(
    method: Method, steps: int, splits: Splits, tmp_path: Path
) -> None:
    whole = fit(splits, method)
    state = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        fit(splits, Killed(method, [steps]), state)
    with seeded("another process"):
        assert same(whole, fit(splits, method, state))


@pytest.mark.parametrize("name", ["cifar10"])
def test_each_epoch_of_each_seed_has_its_own_crops(
    name: str, stored: Stored, splits: Splits
) -> None:
    @dataclass(frozen=True)
    class Seen(NoiseInjection):
        batches: list[Tensor]

        def loss(self, forward, auxiliary, inputs, labels):
            self.batches.append(inputs)
            return super().loss(forward, auxiliary, inputs, labels)

    seen, original = Seen([]), views(name, stored.train)
    for seed in (0, 1):
        fit(splits, seen, seed=seed)
    cuts = [
        original[key(image)][1:] for batch in seen.batches for image in stored_pixels(name, batch)
    ]
    epochs = {tuple(cuts[i : i + 20]) for i in range(0, len(cuts), 20)}  # in the order of drawing
    assert len(epochs) == 2 * 3
