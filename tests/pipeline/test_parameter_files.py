"""What is no parameter file, or none to trust, gives one line before anything is built from it."""

import os
from itertools import pairwise
from pathlib import Path

import pytest

from neft.pipeline import parameters

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in pairwise("abcdefghij")
)
TEXTS = [
    (None, "must be a file, got: No such file"),
    ("", "got None"),
    ("a: [1", "not YAML"),
    ("- 1", "got"),
    ("a: 1\na: 2", "not YAML"),
    ("a: !!python/object/apply:os.system [touch X]", "not YAML"),
    ("a: 1\n" * 30_000, "at most 100,000 bytes, got 150,000"),
    ("[" * 5000 + "]" * 5000, "nested at most 20 deep"),
    ("a: &a [*a]", "nested at most 20 deep"),
    ("- " * 30 + "1", "nested at most 20 deep"),
    (LAUGHS, "at most 10,000 values"),
    ("a: " + "9" * 9000, "digits"),
    ("\x00", "not YAML"),
    ("x" * 90_000, "got"),
]


@pytest.mark.parametrize(("text", "said"), TEXTS, ids=range(len(TEXTS)))
def test_files_that_are_no_parameters_or_missing_fail_in_one_line(
    text: str | None, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=rf"^{path}: .*{said}") as caught:
        parameters.load(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1100


def test_what_is_no_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, said in (("pipe", "a pipe"), ("loop", ": Too many"), (".", "a folder")):
        with pytest.raises(
            ValueError, match=f"must be a file, got{'' if said[0] == ':' else ' '}{said}"
        ):
            parameters.load(tmp_path / name)
    with pytest.raises(ValueError, match="must be a file, got a device"):
        parameters.load("/dev/zero")
