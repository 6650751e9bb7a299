"""Reader of Tiny ImageNet-200's official files: a folder of JPEGs and a file of annotations."""

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from neft._utils.files import check_regular
from neft.data.loading import Part
from neft.data.official_files import OfficialFiles

TINY_IMAGENET = OfficialFiles(
    "tiny_imagenet",
    "tiny-imagenet-200",
    ("wnids.txt", "val/val_annotations.txt"),
    "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
)
SIDE = 64  # pixels


def read_tiny_imagenet(folder: Path) -> tuple[Part, Part]:
    """Read the official training and validation images; the test images carry no labels.

    A class index is the rank of the class's name among those of wnids.txt. The classes of the
    validation images are in val/val_annotations.txt; no file is moved or changed. Greyscale
    images become RGB. All images are decoded here and kept as uint8 (1.4 GB per process), so that
    an image that cannot be decoded stops a run before training, and no epoch decodes again. The
    digests are those of the files' bytes, because decoders differ.

    Args:
        folder: folder of data sets; the files are in its tiny-imagenet-200.

    Raises:
        ValueError: a file is missing or damaged, or files contradict each other.
    """
    TINY_IMAGENET.check(folder)
    names = sorted(set(_text(folder, "wnids.txt").split()))
    if not names:
        path = folder / TINY_IMAGENET.place / "wnids.txt"
        raise TINY_IMAGENET.error(folder, path, "must name classes, names none")
    train, validation = _train_classes(folder, names), _validation_classes(folder, names)
    return _part(folder, train, names), _part(folder, validation, names)


def _text(folder: Path, file: str) -> str:
    path = folder / TINY_IMAGENET.place / file
    try:
        check_regular(path)
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise TINY_IMAGENET.error(folder, path, "cannot be read") from error


def _train_classes(folder: Path, names: list[str]) -> dict[Path, str]:
    classes: dict[Path, str] = {}
    for name in names:
        images = folder / TINY_IMAGENET.place / "train" / name / "images"
        paths = sorted(images.glob("*.JPEG"))
        if len(paths) < 2:
            problem = f"must hold at least 2 images (*.JPEG), holds {len(paths)}"
            raise TINY_IMAGENET.error(folder, images, problem)
        classes |= dict.fromkeys(paths, name)
    return classes


def _validation_classes(folder: Path, names: list[str]) -> dict[Path, str]:
    file = "val/val_annotations.txt"
    annotations = folder / TINY_IMAGENET.place / file
    images = annotations.parent / "images"
    unlabelled = {path.name: path for path in images.glob("*.JPEG")}
    classes: dict[Path, str] = {}
    for number, line in enumerate(_text(folder, file).splitlines(), start=1):
        image, name, *_ = f"{line}\t".split("\t")  # then a bounding box
        if image not in unlabelled:
            problem = f"line {number}: no image {image[:40]!r} in {images}, or annotated before"
            raise TINY_IMAGENET.error(folder, annotations, problem)
        if name not in names:
            problem = f"line {number}: class {name[:40]!r} is not in wnids.txt"
            raise TINY_IMAGENET.error(folder, annotations, problem)
        classes[unlabelled.pop(image)] = name
    for path in unlabelled.values():
        raise TINY_IMAGENET.error(folder, path, f"not in {file}")
    if empty := set(names) - set(classes.values()):
        problem = f"every class must have an image, {min(empty)} has none"
        raise TINY_IMAGENET.error(folder, annotations, problem)
    return classes


def _part(folder: Path, classes: dict[Path, str], names: list[str]) -> Part:
    pixels = torch.empty(len(classes), 3, SIDE, SIDE, dtype=torch.uint8)
    found = []
    for i, path in enumerate(classes):
        image, digest = _decode(folder, path)
        pixels[i] = torch.from_numpy(image).permute(2, 0, 1)
        found.append(digest)
    labels = torch.tensor([names.index(name) for name in classes.values()])
    return Part(pixels, labels, np.array(found))


def _decode(folder: Path, path: Path) -> tuple[np.ndarray, str]:
    """Return the image, [SIDE, SIDE, 3], and the SHA-256 of its file."""
    try:
        check_regular(path)
        content = path.read_bytes()
        image = np.array(Image.open(BytesIO(content), formats=["JPEG"]).convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise TINY_IMAGENET.error(folder, path, "not a JPEG that can be decoded") from error
    height, width, _ = image.shape
    if (height, width) != (SIDE, SIDE):
        problem = f"must be {SIDE} x {SIDE} pixels, is {width} x {height}"
        raise TINY_IMAGENET.error(folder, path, problem)
    return image, hashlib.sha256(content).hexdigest()
