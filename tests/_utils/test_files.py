"""Laws of files: written whole or not at all, to folders that can be written, read if they end."""

import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

from neft._utils.files import atomic_path, check_output, check_regular


def test_success_replaces_the_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "note.txt"
    path.write_text("old")
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt])
def test_any_exception_keeps_the_old_file(tmp_path, exception):
    path = tmp_path / "note.txt"
    path.write_text("old")
    with pytest.raises(exception), atomic_path(path) as temporary:
        temporary.write_text("half of the ne")
        raise exception
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_parent_folders_are_created_and_the_suffix_chooses_the_format(tmp_path):
    path = tmp_path / "a" / "b" / "table.csv.gz"
    with atomic_path(str(path)) as temporary:
        pd.DataFrame({"a": [1]}).to_csv(temporary, index=False)
    assert gzip.decompress(path.read_bytes()).decode().split() == ["a", "1"]


def test_two_writers_do_not_share_a_temporary_file(tmp_path):
    with atomic_path(tmp_path / "x") as first, atomic_path(tmp_path / "x") as second:
        assert first != second
        first.write_text("1")
        second.write_text("2")


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "x"):
        pass


def test_a_folder_that_cannot_be_made_is_refused_before_its_content_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_output(tmp_path)
    check_output(tmp_path / "new" / "newer")
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ValueError, match=rf"^{path}: must be a folder .*file {tmp_path}/file$"):
            check_output(path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ValueError, match=rf"^{tmp_path}: must be writable"):
        check_output(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]


def test_only_files_with_an_end_are_regular(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nothing")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    check_regular(tmp_path / "file")
    check_regular(tmp_path / "link")
    for name, said in {
        "dangling": ": No such file", "loop": ": Too many", "pipe": " a pipe", ".": " a folder",
        "file/below": ": Not a directory",
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=f"must be a file, got{said}"):
            check_regular(tmp_path / name)
