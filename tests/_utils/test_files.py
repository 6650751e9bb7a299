"""Laws of atomic writing: the whole new file, or the unchanged old one."""

import gzip

import pandas as pd
import pytest

from neft._utils.files import atomic_path


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
