"""Small data sets in the file formats of the official ones, for tests of their readers."""

import hashlib
import pickle
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from neft.data.official_files import CIFAR_BINARY, CIFAR_IMAGES, CIFARS

CLASSES = {"mnist": 10, "cifar10": 10, "cifar100": 100, "tiny_imagenet": 4}
PIXELS = {"mnist": (1, 28, 28), "tiny_imagenet": (3, 64, 64)}
WNIDS = ("n02124075", "n01443537", "n04067472", "n03444034")  # as in wnids.txt: in no order


@dataclass(frozen=True)
class Stored:
    """Images, uint8 [n, channels, height, width], and labels [n], in their official order."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def draw(name: str, each: int = 3, *, seed: int = 0) -> Stored:
    """Draw `each` training images, shuffled by `seed`, and two test images of every class."""
    random = np.random.default_rng(1)
    labels, test_labels = (np.arange(n * CLASSES[name]) % CLASSES[name] for n in (each, 2))
    shape = PIXELS.get(name, (3, 32, 32))
    train, test = (
        random.integers(0, 256, (len(of), *shape), dtype=np.uint8) for of in (labels, test_labels)
    )
    order = np.random.default_rng(seed).permutation(len(labels))
    return Stored(train[order], labels[order], test, test_labels)


def write(name: str, folder: Path, stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a data set into the folder of data sets, in its official files."""
    if name == "mnist":
        write_mnist(folder, stored)
    elif name == "tiny_imagenet":
        write_tiny_imagenet(folder, stored)
    else:
        write_cifar(name, folder, stored, monkeypatch)


def idx(array: np.ndarray) -> bytes:
    """Return an array in IDX, the format of MNIST: magic number, sizes, bytes."""
    head = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, stored: Stored) -> None:
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, pixels, labels in (
        ("train", stored.train, stored.train_labels),
        ("t10k", stored.test, stored.test_labels),
    ):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(idx(pixels[:, 0]))
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))


def write_cifar(name: str, folder: Path, stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write pickles, and put their MD5 in the place of the official ones in torchvision."""
    kind = CIFARS[name]
    place = folder / kind.base_folder
    place.mkdir(parents=True)
    key = "labels" if name == "cifar10" else "fine_labels"

    def kept(file: str, content: dict) -> str:
        (place / file).write_bytes(pickle.dumps(content, protocol=2))
        return hashlib.md5((place / file).read_bytes()).hexdigest()

    def batches(files: list, pixels: np.ndarray, labels: np.ndarray) -> list:
        rows = np.array_split(np.arange(len(labels)), len(files))
        flat = pixels.reshape(len(pixels), -1)
        return [
            [file, kept(file, {"data": flat[part], key: labels[part].tolist()})]
            for (file, _), part in zip(files, rows, strict=True)
        ]

    train_list = batches(kind.train_list, stored.train, stored.train_labels)
    test_list = batches(kind.test_list, stored.test, stored.test_labels)
    names = {kind.meta["key"]: [str(label) for label in range(CLASSES[name])]}
    monkeypatch.setattr(kind, "train_list", train_list)
    monkeypatch.setattr(kind, "test_list", test_list)
    meta = {**kind.meta, "md5": kept(kind.meta["filename"], names)}
    monkeypatch.setattr(kind, "meta", meta)


def write_cifar_binary(
    name: str, folder: Path, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write records of labels, coarse before fine, and pixels; and expect as many as these."""
    files = CIFAR_BINARY[name]
    place = folder / files.place
    place.mkdir(parents=True)
    *train, test = files.files
    rows = np.array_split(np.arange(len(stored.train_labels)), len(train))
    parts = [(file, stored.train[part], stored.train_labels[part])
             for file, part in zip(train, rows, strict=True)]  # fmt: skip
    for file, pixels, labels in [*parts, (test, stored.test, stored.test_labels)]:
        kinds = [labels] if name == "cifar10" else [labels // 5, labels]
        records = np.column_stack([*kinds, pixels.reshape(len(pixels), -1)])
        (place / file).write_bytes(records.astype(np.uint8).tobytes())
        monkeypatch.setitem(CIFAR_IMAGES, file, len(records))


def write_tiny_imagenet(folder: Path, stored: Stored) -> None:
    """Write JPEGs and store the decoded pixels in `stored`, because compression changes them."""
    root, names = folder / "tiny-imagenet-200", sorted(WNIDS)
    (root / "val" / "images").mkdir(parents=True)
    (root / "test" / "images").mkdir(parents=True)
    (root / "wnids.txt").write_text("".join(f"{name}\n" for name in WNIDS))
    for i, label in enumerate(stored.train_labels):
        images = root / "train" / names[label] / "images"
        images.mkdir(parents=True, exist_ok=True)
        write_jpeg(images / f"{names[label]}_{i}.JPEG", stored.train[i])
    lines = []
    for i, label in enumerate(stored.test_labels):
        write_jpeg(root / "val" / "images" / f"val_{i}.JPEG", stored.test[i])
        lines.append(f"val_{i}.JPEG\t{names[label]}\t0\t32\t44\t62\n")
    (root / "val" / "val_annotations.txt").write_text("".join(lines))


def write_jpeg(path: Path, pixels: np.ndarray) -> None:
    """Write [3, height, width] as JPEG and replace it by the decoded pixels."""
    Image.fromarray(pixels.transpose(1, 2, 0)).save(path, "JPEG")
    pixels[:] = np.asarray(Image.open(path)).transpose(2, 0, 1)
