"""Parts of a user's own images: disjoint, complete, fixed by the images alone."""

import os
from collections import Counter
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.training import HARDWARE
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Subset, TensorDataset
from torchvision.datasets import FakeData
from torchvision.transforms import ToTensor

from neft import NoiseInjection, Schedule, accuracy_over_chips, train
from neft.data.datasets import Source, Splits
from neft.data.own_images import split_datasets, split_tensors
from neft.evaluation import estimate_accuracy

LABELS = torch.arange(60) % 3


def images(seed: int = 0, count: int = 60) -> Tensor:
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def contents(part: TensorDataset) -> Counter:
    return Counter(
        (image.numpy().tobytes(), int(label)) for image, label in zip(*part.tensors, strict=True)
    )


def parts(splits: Splits) -> list[TensorDataset]:
    return [splits.train, splits.validation, splits.test]


def test_every_image_is_in_one_part_with_its_label() -> None:
    splits = split_tensors(images(), LABELS)
    assert sum(map(contents, parts(splits)), Counter()) == contents(TensorDataset(images(), LABELS))
    counts = [torch.bincount(part.tensors[1]).tolist() for part in parts(splits)]
    assert counts == [[14] * 3, [2] * 3, [4] * 3], "a fifth of 20, then a tenth of 16, rounded up"
    assert (splits.classes, splits.channels, splits.side) == (3, 1, 8)


def test_parts_do_not_depend_on_the_order_of_the_images() -> None:
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1))
    one, other = split_tensors(images(), LABELS), split_tensors(images()[order], LABELS[order])
    for first, second in zip(parts(one), parts(other), strict=True):
        assert all(map(torch.equal, first.tensors, second.tensors))


def test_given_test_images_are_the_test_part() -> None:
    test = images(1, 6), LABELS[:6].int()
    splits = split_tensors(images(), LABELS, test=test)
    assert torch.equal(splits.test.tensors[0], test[0])
    assert splits.test.tensors[1].dtype == torch.long
    assert len(splits.train) + len(splits.validation) == 60


BAD = [
    ((images()[0], LABELS), {}, r"images must be float, .*got \[1, 8, 8\]"),
    ((images().int(), LABELS), {}, "images must be float, .*int32"),
    ((images(), LABELS[:5]), {}, r"labels must be 60 class indices from 0, got \[5\]"),
    ((images(), LABELS - 1), {}, "labels must be class indices from 0, got -1"),
    ((images().numpy(), LABELS), {}, "images must be a tensor, got ndarray"),
    ((images()[:0], LABELS[:0]), {}, r"images must be float, .*got \[0, 1, 8, 8\]"),
    ((images().log(), LABELS), {}, "images must be finite, got another value in image 0"),
    ((images(), LABELS.float()), {}, "labels must be .*float32"),
    ((images(), LABELS + 1), {}, "every class must have .*got class 0 with 0 images, 0 diff"),
    ((images(count=8), LABELS[:8]), {}, "got class 2 with 2 images, 2 different"),
    ((images(count=1).repeat(60, 1, 1, 1), LABELS), {}, "class 0 with 20 images, 1 different"),
    ((images(), LABELS), {"test": (images()[:0], LABELS[:0])}, "images must be float"),
    ((images(), LABELS), {"test": (images()[..., :4], LABELS)}, r"test images .*\[1, 8, 4\] of 3"),
    ((images(), LABELS), {"test": (images(), LABELS + 1)}, "test images must be .*of 4"),
]


@pytest.mark.parametrize(("given", "named", "said"), BAD)
def test_what_is_not_a_set_of_labelled_images_is_refused(given, named, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        split_tensors(*given, **named)


def test_doubles_become_what_weights_are() -> None:
    one, other = split_tensors(images(), LABELS), split_tensors(images().double(), LABELS.short())
    for first, second in zip(parts(one), parts(other), strict=True):
        assert all(map(torch.equal, first.tensors, second.tensors))


def test_data_sets_are_divided_as_their_tensors_are() -> None:
    data = FakeData(40, (3, 8, 8), 2, transform=ToTensor())
    stacked = torch.stack([image for image, _ in data])
    labels = torch.tensor([int(label) for _, label in data])
    one, other = split_datasets(Subset(data, range(40))), split_tensors(stacked, labels)
    for first, second in zip(parts(one), parts(other), strict=True):
        assert all(map(torch.equal, first.tensors, second.tensors))


def test_a_data_set_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="FakeData must give pairs of an image, as a tensor"):
        split_datasets(FakeData(4, (3, 8, 8), 2))
    with pytest.raises(ValueError, match="TensorDataset must give pairs"):
        split_datasets(TensorDataset(images()))


def test_other_data_than_splits_are_refused_in_one_line() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    data = Subset(TensorDataset(images(), LABELS), range(30))
    with pytest.raises(
        ValueError, match=r"data must be Splits \(neft.split_datasets\), got Subset"
    ):
        train(network, NoiseInjection(), data, HARDWARE, 0.1, Schedule(1), seed=0)
    with pytest.raises(ValueError, match=r"data must be a TensorDataset, .*got Subset"):
        accuracy_over_chips(network, data, HARDWARE, 0.1, chips=1, key="test")
    with pytest.raises(ValueError, match=r"data must be a TensorDataset, .*got Subset"):
        estimate_accuracy(network, data, HARDWARE, 0.1, key="test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images of three classes, of other sides and forms than a network takes."""
    draw = np.random.default_rng(0)
    for part, each in (("train", 5), ("test", 2)):
        for name in ("cat", "dog", "owl"):
            place = tmp_path / "mine" / part / name
            place.mkdir(parents=True)
            for i in range(each):
                pixels = draw.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{i}.{'png' if i % 2 else 'jpg'}")
    return tmp_path


def test_a_folder_of_images_is_a_data_set(folder: Path) -> None:
    splits = Source("mine", 16, folder=folder).load()
    assert (splits.classes, splits.channels, splits.side) == (3, 3, 16)
    assert [len(part) for part in parts(splits)] == [12, 3, 6]
    assert splits.test.tensors[1].tolist() == [0, 0, 1, 1, 2, 2]
    seen = torch.stack([image for image, _ in splits.train] + list(splits.validation.tensors[0]))
    torch.testing.assert_close(seen.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-3)
    torch.testing.assert_close(seen.std((0, 2, 3)), torch.ones(3), rtol=0, atol=1e-3)


def drawing() -> bytes:
    """EPS, a program that PIL would hand to Ghostscript, whatever the file's name is."""
    file = BytesIO()
    Image.new("RGB", (20, 20)).save(file, "EPS")
    return file.getvalue()


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_bad_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = folder / "mine"

    def said() -> str:
        with pytest.raises(ValueError) as caught:
            Source("mine", 16, folder=folder).load()
        return str(caught.value)

    (mine / "test" / "owl").rename(mine / "test" / "ant")
    assert f"{mine}: train and test must have the same classes, ant is in one" in said()
    (mine / "test" / "ant").rename(mine / "test" / "owl")
    broken = mine / "train" / "cat" / "0.jpg"
    whole = broken.read_bytes()
    monkeypatch.setattr(
        "PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: Image.new("RGB", (20, 20)).im
    )
    for content in (b"no picture", whole[: len(whole) // 2], drawing()):
        broken.write_bytes(content)
        assert said() == f"{broken}: not an image that can be decoded"
    broken.write_bytes(whole)
    with monkeypatch.context() as small:
        small.setattr(Image, "MAX_IMAGE_PIXELS", 200)  # PIL refuses twice as many
        assert said().endswith("not an image that can be decoded")
    for path in sorted((mine / "train" / "dog").iterdir())[1:]:
        path.unlink()
    assert said() == f"{mine / 'train' / 'dog'}: must hold at least 2 images, holds 1"
    for i, name in enumerate(("cat", "dog", "owl")):
        Image.new("RGB", (16, 16), (i, i, 9)).save(mine / "train" / name / "9.png")
        for path in (mine / "train" / name).iterdir():
            Image.new("RGB", (16, 16), (i, i, 9)).save(path, "PNG")
    assert (
        f"{mine / 'train'}: images must vary in every channel, got one value in channel 2" in said()
    )
    (mine / "test").rename(mine / "tests")
    assert "name must be one of mnist5k, " in said()


def test_pipes_are_not_waited_for_and_no_image_counts_twice(folder: Path) -> None:
    cats = folder / "mine" / "train" / "cat"
    (cats / "round").symlink_to(cats)
    with pytest.raises(ValueError, match=r"cat/0.jpg through a link, too$"):
        Source("mine", 16, folder=folder).load()
    (cats / "round").unlink()
    (cats / "loop.png").symlink_to("loop.png")
    with pytest.raises(ValueError, match=r"cat/loop\.png: must be a file, got: Too many"):
        Source("mine", 16, folder=folder).load()
    (cats / "loop.png").unlink()
    os.mkfifo(cats / "pipe.png")
    with pytest.raises(ValueError, match=r"cat/pipe\.png: must be a file, got a pipe"):
        Source("mine", 16, folder=folder).load()
