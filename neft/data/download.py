"""Download a data set's official files, each checked against its published MD5 before use.

    neft download mnist [--folder datasets]

A download that was interrupted continues where it stopped.
"""

import argparse
import gzip
import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from torchvision.datasets import MNIST
from torchvision.datasets.utils import check_integrity
from tqdm import tqdm

from neft._utils.commands import one_line
from neft._utils.files import atomic_path
from neft.data.datasets import FOLDER
from neft.data.downloaded import official_files
from neft.data.official_files import CIFAR_BINARY, MNIST_FILES
from neft.data.tiny_imagenet import TINY_IMAGENET


@dataclass(frozen=True)
class Download:
    """A file that the authors of a data set distribute.

    Args:
        url: its address.
        md5: its published MD5.
        place: the file or folder that it becomes when unpacked, inside the folder of data sets.
    """

    url: str
    md5: str
    place: str


DOWNLOADS: dict[str, list[Download]] = {
    "mnist": [
        Download(MNIST_FILES.url + file, md5, f"{MNIST_FILES.place}/{file.removesuffix('.gz')}")
        for file, md5 in MNIST.resources
    ],
    **{
        name: [Download(CIFAR_BINARY[name].url, md5, CIFAR_BINARY[name].place)]
        for name, md5 in {
            "cifar10": "c32a1d4ab5d03f1284b67883e8d87530",
            "cifar100": "03b5dce01913d631647c71ecec9e9cb8",
        }.items()
    },
    "tiny_imagenet": [
        Download(TINY_IMAGENET.url, "90528d7ca1a48142e341f4ef8d21d0de", TINY_IMAGENET.place)
    ],
}
"""The MD5 of CIFAR's archives are those of https://www.cs.toronto.edu/~kriz/cifar.html, of MNIST's
files torchvision's. Tiny ImageNet's authors give none; its loaders agree on this one."""


def download(name: str, folder: Path, *, quiet: bool = False) -> None:
    """Bring a data set's files into a folder; what is there already is not downloaded again.

    Args:
        name: in `DOWNLOADS`.
        folder: of data sets.
        quiet: show no progress bar.

    Raises:
        ValueError: an address cannot be reached, or a file's MD5 is not the published one.
    """
    for each in DOWNLOADS[name]:
        target = folder / each.place
        if not target.exists():
            packed = folder / each.url.rpartition("/")[2]
            _fetch(each, packed, target, quiet)
            _unpack(packed, target)
            packed.unlink()
    official_files(name, folder).check(folder)


def _fetch(each: Download, packed: Path, target: Path, quiet: bool) -> None:
    if check_integrity(packed, each.md5):
        return
    part = packed.with_name(f"{packed.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        _continue(each.url, part, quiet)
    except (OSError, HTTPException) as error:
        raise ValueError(
            f"{each.url}: cannot be downloaded ({error}); unpacked, it must become {target}"
        ) from error
    if not check_integrity(part, each.md5):
        part.unlink()
        raise ValueError(f"{each.url}: its MD5 must be {each.md5}, is another; it was removed")
    part.replace(packed)


def _continue(url: str, part: Path, quiet: bool) -> None:
    """Append the rest of a file to its beginning; start anew if the server cannot continue."""
    there = part.stat().st_size if part.exists() else 0
    request = Request(url, headers={"User-Agent": "neft", "Range": f"bytes={there}-"})
    try:
        answer = urlopen(request, timeout=60)
    except HTTPError as error:
        if error.code != 416:  # nothing is left to send
            raise
        return
    with answer:
        continues = answer.status == 206
        there = there if continues else 0
        size = there + int(answer.headers.get("Content-Length", 0))
        bar = tqdm(
            desc=part.stem, initial=there, total=size or None, unit="B", unit_scale=True,
            disable=quiet,
        )  # fmt: skip
        with part.open("ab" if continues else "wb") as file, bar:
            while block := answer.read(1 << 20):
                file.write(block)
                bar.update(len(block))
    if part.stat().st_size < size:
        raise ConnectionError(f"{part.stat().st_size:,} of {size:,} bytes came")


def _unpack(packed: Path, target: Path) -> None:
    """Unpack an archive whose only folder is `target`, or a single compressed file."""
    if packed.suffixes == [".gz"]:
        with atomic_path(target) as partial, gzip.open(packed) as source, partial.open("wb") as to:
            shutil.copyfileobj(source, to)
        return
    with TemporaryDirectory(dir=target.parent) as aside:
        with _archive(packed) as archive:
            archive.extractall(aside)
        (Path(aside) / target.name).replace(target)


@contextmanager
def _archive(packed: Path) -> Iterator[tarfile.TarFile | zipfile.ZipFile]:
    if packed.suffix == ".zip":
        with zipfile.ZipFile(packed) as archive:  # its members cannot leave the folder
            yield archive
    else:
        with tarfile.open(packed) as archive:
            archive.extraction_filter = tarfile.data_filter  # nor can these
            yield archive


def main(arguments: Sequence[str] | None = None) -> None:
    """Download the data set that the command line names."""
    parser = argparse.ArgumentParser(prog="neft download", description=main.__doc__)
    parser.add_argument("name", choices=DOWNLOADS)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--quiet", action="store_true", help="show no progress bar")
    options = parser.parse_args(arguments)
    with one_line():
        download(options.name, options.folder, quiet=options.quiet)
    print(f"{options.name}: {(options.folder / DOWNLOADS[options.name][0].place).resolve()}")


if __name__ == "__main__":
    main()
