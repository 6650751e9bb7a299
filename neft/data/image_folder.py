"""Training, validation and test parts of a folder of your own images."""

import hashlib
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from neft._utils.files import check_regular
from neft.data.datasets import Splits
from neft.data.downloaded import splits
from neft.data.loading import Part

FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""What files with torchvision's endings for images may hold. PIL reads more by their content, and
starts another program for EPS."""


def split_folder(folder: Path, side: int = 32) -> Splits:
    """Read images from folder/train/CLASS and folder/test/CLASS, BMP, JPEG, PNG, PPM, TIFF or WebP.

    An image is resized to `side` along its shorter side, cropped at its centre and, as RGB,
    normalised by the training images' mean and deviation of each channel. Class indices follow the
    names' order.

    Args:
        folder: holds train and test.
        side: height and width of the images, in pixels.

    Raises:
        ValueError: train and test differ in their classes, a class has no image to test or fewer
            than two to train, an image cannot be decoded or is found twice, or a channel is the
            same everywhere.
    """
    (train, classes), (test, others) = (_read(folder / name, side) for name in ("train", "test"))
    if classes != others:
        odd = sorted(set(classes) ^ set(others))[0]
        raise ValueError(f"{folder}: train and test must have the same classes, {odd} is in one")
    rare = int(torch.bincount(train.labels).argmin())
    if (train.labels == rare).sum() < 2:
        place = folder / "train" / classes[rare]
        raise ValueError(f"{place}: must hold at least 2 images, holds 1")
    deviation, mean = torch.std_mean(train.pixels / 255, dim=(0, 2, 3))
    varies = train.pixels.amax((0, 2, 3)) > train.pixels.amin((0, 2, 3))
    if not varies.all():
        got = f"one value in channel {varies.int().argmin()}"
        raise ValueError(f"{folder / 'train'}: images must vary in every channel, got {got}")
    steps = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean.tolist(), deviation.tolist())]
    return splits(train, test, v2.Compose(steps), v2.Compose(steps))


def _read(folder: Path, side: int) -> tuple[Part, list[str]]:
    try:
        files = ImageFolder(folder)
    except FileNotFoundError as error:
        rule = "must hold a folder of images for each class"
        raise ValueError(f"{folder}: {rule}: {error}") from error
    fit = v2.Compose([v2.Resize(side), v2.CenterCrop(side), v2.PILToTensor()])
    pixels, found = [], []
    places: dict[Path, str] = {}
    for path, _ in files.samples:
        check_regular(path)
        if (own := Path(path).resolve()) in places:
            raise ValueError(f"{path}: must be there once, is {places[own]} through a link, too")
        places[own] = path
        try:
            content = own.read_bytes()
            pixels.append(fit(Image.open(BytesIO(content), formats=FORMATS).convert("RGB")))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError(f"{path}: not an image that can be decoded") from error
        found.append(hashlib.sha256(content).hexdigest())
    part = Part(torch.stack(pixels), torch.tensor(files.targets), np.array(found))
    return part, files.classes
