"""Downloads from a local server: checked, continued after an interruption, whole or not at all."""

import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from helpers.datasets import draw, write

from neft.data import datasets, download
from neft.data.download import DOWNLOADS, Download
from neft.data.official_files import CIFAR_BINARY


class Server(SimpleHTTPRequestHandler):
    """Files of a folder; answers requests for the rest of one if `ranges`, cuts off after `cut`."""

    ranges: ClassVar[bool] = True
    cut: ClassVar[int | None] = None
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        content = (Path(self.directory) / self.path.lstrip("/")).read_bytes()
        start = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
        self.asked.append(f"{self.path} {start}")
        if self.ranges and start >= len(content):
            self.send_error(416)
            return
        rest = content[start:] if self.ranges else content
        self.send_response(206 if self.ranges and start else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest if self.cut is None else rest[: self.cut])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The server's address; it serves tmp_path/"served"."""
    (tmp_path / "served").mkdir()
    for name, value in (("ranges", True), ("cut", None), ("asked", [])):
        monkeypatch.setattr(Server, name, value)
    handler = partial(Server, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


@pytest.fixture
def mnist(tmp_path: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> list[Download]:
    """Small files in the place of MNIST's."""
    write("mnist", tmp_path / "made", draw("mnist"), monkeypatch)
    found = []
    for path in sorted((tmp_path / "made" / "MNIST" / "raw").iterdir()):
        packed = gzip.compress(path.read_bytes())
        (tmp_path / "served" / f"{path.name}.gz").write_bytes(packed)
        digest = hashlib.md5(packed).hexdigest()
        found.append(Download(f"{server}{path.name}.gz", digest, f"MNIST/raw/{path.name}"))
    monkeypatch.setitem(DOWNLOADS, "mnist", found)
    return found


def test_files_are_unpacked_where_they_are_read_and_nothing_else_stays(
    mnist: list[Download], tmp_path: Path
) -> None:
    download.download("mnist", tmp_path / "sets")
    assert datasets.load("mnist", tmp_path / "sets").classes == 10
    files = {path for path in (tmp_path / "sets").rglob("*") if path.is_file()}
    assert files == {tmp_path / "sets" / each.place for each in mnist}
    Server.asked.clear()
    download.download("mnist", tmp_path / "sets")
    assert not Server.asked, "what is there is not downloaded again"


@pytest.mark.parametrize("ranges", [True, False])
def test_an_interrupted_download_goes_on(
    ranges: bool, mnist: list[Download], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Server, "cut", 100)
    with pytest.raises(ValueError, match=r"ubyte\.gz: cannot be downloaded \(100 of .* bytes came"):
        download.download("mnist", tmp_path / "sets")
    monkeypatch.setattr(Server, "cut", None)
    monkeypatch.setattr(Server, "ranges", ranges)
    Server.asked.clear()
    download.download("mnist", tmp_path / "sets")
    assert Server.asked[0].endswith(" 100")
    assert datasets.load("mnist", tmp_path / "sets").classes == 10


@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_quiet_hides_the_progress_bar_and_nothing_else(
    options: list[str], mnist: list[Download], tmp_path: Path, capsys
) -> None:
    download.main(["mnist", "--folder", str(tmp_path / "sets"), *options])
    shown = capsys.readouterr()
    assert shown.out == f"mnist: {tmp_path / 'sets' / mnist[0].place}\n"
    assert bool(shown.err) == (not options)


def test_a_whole_part_needs_no_more(mnist: list[Download], tmp_path: Path) -> None:
    name = mnist[0].url.rpartition("/")[2]
    (tmp_path / "sets").mkdir()
    served = (tmp_path / "served" / name).read_bytes()
    (tmp_path / "sets" / f"{name}.part").write_bytes(served)
    download.download("mnist", tmp_path / "sets")
    assert (tmp_path / "sets" / mnist[0].place).read_bytes() == gzip.decompress(served)


def test_a_file_with_another_checksum_is_removed(mnist: list[Download], tmp_path: Path) -> None:
    name = mnist[0].url.rpartition("/")[2]
    (tmp_path / "served" / name).write_bytes(gzip.compress(b"something else"))
    with pytest.raises(ValueError, match=rf"{name}: its MD5 must be {mnist[0].md5}, is another"):
        download.download("mnist", tmp_path / "sets")
    assert not [path for path in (tmp_path / "sets").rglob("*") if path.is_file()]


def test_a_closed_network_names_address_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, place = "http://127.0.0.1:9/cifar-10-binary.tar.gz", CIFAR_BINARY["cifar10"].place
    monkeypatch.setitem(DOWNLOADS, "cifar10", [Download(url, "0" * 32, place)])
    monkeypatch.setattr("sys.argv", ["download", "cifar10", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        download.main()
    said = str(ended.value.code)
    assert said.startswith(f"error: {url}: cannot be downloaded (")
    assert said.endswith(f"unpacked, it must become {tmp_path / place}")
    assert "\n" not in said


def test_a_place_that_is_no_folder_ends_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    arguments = ["download", "mnist", "--folder", str(tmp_path / "file")]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit, match=r"^error: .*/file'$"):
        download.main()


def packed(kind: str, files: dict[str, bytes]) -> bytes:
    to = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(to, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(fileobj=to, mode="w:gz") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return to.getvalue()


@pytest.mark.parametrize(("name", "kind"), [("cifar100", "tar.gz"), ("tiny_imagenet", "zip")])
def test_archives_become_their_folder_and_nothing_leaves_it(
    name: str, kind: str, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = DOWNLOADS[name][0].place
    files = {
        "cifar100": {f"{place}/train.bin": b"a", f"{place}/test.bin": b"b"},
        "tiny_imagenet": {f"{place}/wnids.txt": b"n", f"{place}/val/val_annotations.txt": b"v"},
    }[name]
    for content, whole in ((files, True), ({**files, "../../escaped": b"x"}, False)):
        data = packed(kind, content)
        (tmp_path / "served" / f"set.{kind}").write_bytes(data)
        digest = hashlib.md5(data).hexdigest()
        monkeypatch.setitem(DOWNLOADS, name, [Download(f"{server}set.{kind}", digest, place)])
        sets = tmp_path / ("sets" if whole else "others")
        if whole or kind == "zip":  # zipfile writes such a member inside the folder
            download.download(name, sets)
            assert {path.name for path in sets.iterdir()} == {place}
        else:
            with pytest.raises(tarfile.FilterError, match="escaped"):
                download.download(name, sets)
    assert not list(tmp_path.rglob("escaped"))
