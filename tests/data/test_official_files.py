"""Every missing or damaged file raises one line: which file, what is wrong, how to download it."""

import gzip
import os
import pickle
import shlex
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from helpers.datasets import CLASSES, draw, idx, write, write_cifar_binary
from PIL import Image

from neft import __main__
from neft.data import datasets, download
from neft.data.datasets import Source
from neft.data.downloaded import NORMALISATION
from neft.data.official_files import CIFARS, read_cifar

TRAIN, TEST = "MNIST/raw/train", "MNIST/raw/t10k"
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
CIFAR10, CIFAR100, TINY = "cifar-10-batches-py", "cifar-100-python", "tiny-imagenet-200"
WNID = "n01443537"
CLASS, VAL = f"{TINY}/train/{WNID}/images", f"{TINY}/val/images"
ANNOTATIONS = f"{TINY}/val/val_annotations.txt"
FIRST_LINE = f"val_0.JPEG\t{WNID}\t0\t32\t44\t62\n"

Damage = Callable[[Path], object]


def removed(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def lengthened(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def replaced_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def left_packed_and_halved(path: Path) -> None:
    packed = gzip.compress(path.read_bytes())
    path.with_name(f"{path.name}.gz").write_bytes(packed[: len(packed) // 2])
    path.unlink()


def written(content: bytes) -> Damage:
    return lambda path: path.write_bytes(content)


def replaced(old: str, new: str) -> Damage:
    return lambda path: path.write_text(path.read_text().replace(old, new))


def all_but(keep: int) -> Damage:
    """Remove all but the first `keep` files of a folder."""
    return lambda folder: [path.unlink() for path in sorted(folder.iterdir())[keep:]]


def picture(form: str, width: int, height: int) -> Damage:
    return lambda path: Image.new("RGB", (width, height)).save(path, form)


def first_inside(damage: Damage) -> Damage:
    return lambda folder: damage(min(folder.iterdir()))


def other(file: str, damage: Damage) -> Damage:
    """Damage another file than the one that the error names."""
    return lambda path: damage(Path(os.path.normpath(path / file)))


class Trap:
    """Unpickling it runs code, which creates a file."""

    def __reduce__(self) -> tuple:
        return Path.touch, (Path("trapped"),)


NO_FILE, A_FOLDER = "must be a file, got: No such file", "must be a file, got a folder"
NOT_WHOLE, MD5 = "not a whole file of its kind", "its MD5 is not the"
UNLABELLED = other("../../val_annotations.txt", replaced(FIRST_LINE, ""))
NARROW = "images must be 28 x 28, are 28 x 27"
EMPTY_CLASS = f"every class must have an image, {WNID} has none"
NO_JPEG = "not a JPEG that can be decoded"
# Of each data set: file that the error names, damage to it or another, text of the error.
DAMAGES: dict[str, list[tuple[str, Damage, str]]] = {
    "mnist": [
        (f"{TRAIN}-{IMAGES}", removed, NO_FILE),
        (f"{TEST}-{LABELS}", removed, NO_FILE),
        (f"{TRAIN}-{LABELS}", replaced_by_folder, A_FOLDER),
        (f"{TRAIN}-{IMAGES}", left_packed_and_halved, NO_FILE),
        (f"{TRAIN}-{IMAGES}", halved, NOT_WHOLE),
        (f"{TEST}-{IMAGES}", lengthened, NOT_WHOLE),
        (f"{TEST}-{LABELS}", emptied, NOT_WHOLE),
        (f"{TRAIN}-{LABELS}", halved, NOT_WHOLE),
        (f"{TRAIN}-{IMAGES}", written(b"<html>not found</html>"), NOT_WHOLE),
        (f"{TRAIN}-{IMAGES}", written(struct.pack(">4I", 2051, 0, 28, 28)), NOT_WHOLE),
        (f"{TRAIN}-{IMAGES}", written(idx(np.zeros(30))), NOT_WHOLE),
        (f"{TRAIN}-{LABELS}", written(idx(np.zeros((30, 28, 28)))), NOT_WHOLE),
        (f"{TRAIN}-{LABELS}", written(struct.pack(">2I", 0xD01, 0)), NOT_WHOLE),
        (f"{TRAIN}-{IMAGES}", written(idx(np.zeros((30, 28, 27)))), NARROW),
        (f"{TRAIN}-{LABELS}", written(idx(np.zeros(29))), "29 labels for 30 images"),
        (f"{TRAIN}-{LABELS}", written(idx(np.arange(30) % 11)), "must be 0 to 9, got 10"),
        (f"{TRAIN}-{LABELS}", written(idx(np.arange(30) % 9)), "2 images, 9 has 0"),
    ],
    "cifar10": [
        (f"{CIFAR10}/data_batch_3", removed, NO_FILE),
        (f"{CIFAR10}/batches.meta", removed, NO_FILE),
        (f"{CIFAR10}/data_batch_5", halved, MD5),
        (f"{CIFAR10}/test_batch", flipped, MD5),
        (f"{CIFAR10}/batches.meta", written(pickle.dumps(Trap())), MD5),
        (f"{CIFAR10}/data_batch_1", written(pickle.dumps(Trap())), MD5),
    ],
    "cifar100": [
        (f"{CIFAR100}/test", removed, NO_FILE),
        (f"{CIFAR100}/train", lengthened, MD5),
        (f"{CIFAR100}/meta", emptied, MD5),
    ],
    "tiny_imagenet": [
        (f"{TINY}/wnids.txt", removed, NO_FILE),
        (f"{TINY}/wnids.txt", written(b"\xff\xfe"), "cannot be read"),
        (f"{TINY}/wnids.txt", emptied, "must name classes, names none"),
        (f"{TINY}/train/{WNID}", removed, "at least 2 images (*.JPEG), holds 0"),
        (CLASS, all_but(0), "at least 2 images (*.JPEG), holds 0"),
        (CLASS, all_but(1), "at least 2 images (*.JPEG), holds 1"),
        (CLASS, first_inside(halved), NO_JPEG),
        (CLASS, first_inside(emptied), NO_JPEG),
        (ANNOTATIONS, removed, NO_FILE),
        (ANNOTATIONS, other("../images", removed), "line 1: no image 'val_0.JPEG'"),
        (ANNOTATIONS, other("../images/val_3.JPEG", removed), "line 4: no image"),
        (ANNOTATIONS, replaced(FIRST_LINE, "val_0.JPEG\n"), "line 1: class '' is not in"),
        (ANNOTATIONS, replaced(FIRST_LINE, 2 * FIRST_LINE), "line 2: no image 'val_0.JPEG'"),
        (ANNOTATIONS, replaced(FIRST_LINE, "\n"), "line 1: no image ''"),
        (ANNOTATIONS, replaced(WNID, "n00000000"), "line 1: class 'n00000000' is not in wnids.txt"),
        (ANNOTATIONS, replaced(WNID, "n02124075"), EMPTY_CLASS),
        (f"{VAL}/val_0.JPEG", UNLABELLED, "val_0.JPEG: not in val/val_annotations.txt"),
        (f"{VAL}/val_2.JPEG", written(b"no picture"), NO_JPEG),
        (f"{VAL}/val_2.JPEG", replaced_by_folder, NO_JPEG),
        (f"{VAL}/val_2.JPEG", picture("PNG", 64, 64), "not a JPEG"),
        (f"{VAL}/val_2.JPEG", picture("JPEG", 64, 48), "must be 64 x 64 pixels, is 64 x 48"),
    ],
}


@pytest.mark.parametrize(
    ("name", "file", "damage", "said"),
    [(name, *damage) for name in DAMAGES for damage in DAMAGES[name]],
)
def test_an_error_names_the_damaged_file_and_how_to_download_it(
    name: str, file: str, damage: Damage, said: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "some sets"
    write(name, folder, draw(name), monkeypatch)
    damage(folder / file)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError) as caught:
        datasets.load(name, Path("some sets"))
    message = str(caught.value)
    assert said in message
    assert message.startswith(str(folder / file))
    assert "\n" not in message
    assert " from http" in message
    assert sorted(tmp_path.rglob("*")) == before  # nothing was repaired, and no pickle's code ran


@pytest.mark.parametrize("file", ["data_batch_5", "test_batch", "batches.meta"])
def test_torchvision_unpickles_no_file_with_an_unpublished_md5(
    file: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write("cifar10", tmp_path, draw("cifar10"), monkeypatch)
    (tmp_path / CIFAR10 / file).write_bytes(pickle.dumps(Trap()))
    for train in (True, False):
        with pytest.raises(RuntimeError, match="corrupted"):
            torchvision.datasets.CIFAR10(tmp_path, train=train)
    assert not Path("trapped").exists()
    with pytest.raises((KeyError, TypeError)):  # the trap is one
        pickle.loads(pickle.dumps(Trap()))["data"]
    assert Path("trapped").exists()


@pytest.mark.parametrize("name", CLASSES)
def test_check_finds_a_data_set_or_says_how_to_download_it(
    name: str, tmp_path: Path, monkeypatch
) -> None:
    with pytest.raises(ValueError, match="got: No such file or directory; to get it from http"):
        Source(name, folder=tmp_path).check()
    write(name, tmp_path, draw(name), monkeypatch)
    Source(name, folder=tmp_path).check()
    Source("mnist5k", folder=tmp_path / "none").check()  # needs no folder


@pytest.mark.parametrize("name", CLASSES)
def test_the_download_command_is_the_downloaders(name: str, tmp_path: Path, monkeypatch) -> None:
    sets = tmp_path / "some sets"
    with pytest.raises(ValueError) as caught:
        datasets.load(name, sets)
    command = shlex.split(str(caught.value).split(" run: ")[1])
    assert command[0] == "neft"
    asked = []
    monkeypatch.setattr(download, "download", lambda *given, quiet: asked.append(given))
    __main__.main(command[1:])
    assert asked == [(name, sets)]


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_binary_version_has_the_images_of_the_pickles_and_is_preferred(
    name: str, tmp_path: Path, monkeypatch
) -> None:
    stored = draw(name)
    write(name, tmp_path, stored, monkeypatch)
    pickled = read_cifar(name, tmp_path)
    write_cifar_binary(name, tmp_path, stored, monkeypatch)
    for path in (tmp_path / CIFARS[name].base_folder).iterdir():
        path.write_bytes(b"damaged")
    for one, other in zip(pickled, read_cifar(name, tmp_path), strict=True):
        assert torch.equal(one.pixels, other.pixels)
        assert torch.equal(one.labels, other.labels)
        assert one.digests.tolist() == other.digests.tolist()


BINARY10, BINARY100 = "cifar-10-batches-bin", "cifar-100-binary"
RECORDS = "must hold 6 records of 3,073 bytes, has "


def cut_by_a_record(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3073])


def first_byte(value: int) -> Damage:
    return lambda path: path.write_bytes(bytes([value]) + path.read_bytes()[1:])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


BINARY_DAMAGES: list[tuple[str, str, Damage, str]] = [
    ("cifar10", f"{BINARY10}/data_batch_4.bin", removed, NO_FILE),
    ("cifar10", f"{BINARY10}/data_batch_2.bin", lengthened, RECORDS),
    ("cifar10", f"{BINARY10}/data_batch_2.bin", emptied, f"{RECORDS}0 bytes"),
    ("cifar10", f"{BINARY10}/data_batch_2.bin", cut_by_a_record, f"{RECORDS}15,365 bytes"),
    ("cifar10", f"{BINARY10}/data_batch_2.bin", first_byte(10), "labels must be 0 to 9, got 10"),
    ("cifar100", f"{BINARY100}/train.bin", lengthened, "must hold 300 records of 3,074 bytes"),
    ("cifar100", f"{BINARY100}/test.bin", zeroed, "every class must have at least 2"),
]


@pytest.mark.parametrize(("name", "file", "damage", "said"), BINARY_DAMAGES)
def test_a_damaged_file_of_the_binary_version_is_named(
    name: str, file: str, damage: Damage, said: str, tmp_path: Path, monkeypatch
) -> None:
    write_cifar_binary(name, tmp_path, draw(name), monkeypatch)
    damage(tmp_path / file)
    with pytest.raises(ValueError) as caught:
        datasets.load(name, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / file}: ")
    assert said in str(caught.value)


def test_a_greyscale_image_becomes_rgb(tmp_path: Path, monkeypatch) -> None:
    write("tiny_imagenet", tmp_path, draw("tiny_imagenet"), monkeypatch)
    grey = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = tmp_path / VAL / "val_1.JPEG"
    Image.fromarray(grey).save(path, "JPEG")
    image = datasets.load("tiny_imagenet", tmp_path).test.tensors[0][1]
    assert image.shape == (3, 64, 64)
    mean, std = (np.array(each)[:, None, None] for each in NORMALISATION["tiny_imagenet"])
    pixels = (image.numpy() * std + mean) * 255
    expected = np.broadcast_to(np.asarray(Image.open(path)), (3, 64, 64))
    np.testing.assert_allclose(pixels, expected, atol=1e-3)


def test_loading_does_not_change_the_folder(tmp_path: Path, monkeypatch) -> None:
    write("tiny_imagenet", tmp_path, draw("tiny_imagenet"), monkeypatch)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    datasets.load("tiny_imagenet", tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == files
