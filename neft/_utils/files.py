"""Files: written as a whole or not at all, and read only if they are files."""

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from neft._utils.checks import cut


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` on success and is removed on any exception.

    Missing parent folders are created. The temporary name ends like `path`, so that writers that
    look at the suffix (`.csv.gz`, `.png`) choose the same format.

    Args:
        path: the file to write or replace.

    Yields:
        A path in the same folder; write the file there.

    Raises:
        FileNotFoundError: the block did not write the temporary file.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder, atomic_path(f"{folder}/new/note.txt") as note:
        ...     _ = note.write_text("whole")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, hence the same file system, where a replacement is atomic.
    temporary = path.with_name(f".{uuid4().hex}.{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_regular(path: str | Path) -> None:
    """Refuse what is no file with an end: a folder, a pipe or a device, which can block for ever.

    Raises:
        ValueError: there is none, or it is no regular file.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError as error:  # missing, in a file's place, or a loop of links
        raise ValueError(f"{path}: must be a file, got: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        raise ValueError(f"{path}: must be a file, got {kinds.get(stat.S_IFMT(mode), 'a device')}")


def check_output(folder: str | Path) -> None:
    """Refuse a folder that nothing can be written to, before its content is computed.

    Raises:
        ValueError: a file is in its place or in that of a folder above it, or no right to write.
    """
    here = Path(folder).absolute()
    while not here.exists() and here != here.parent:
        here = here.parent
    if not here.is_dir():
        raise ValueError(f"{folder}: must be a folder or a new one, got the file {here}")
    if not os.access(here, os.W_OK):
        raise ValueError(f"{folder}: must be writable, got a folder that is not")


def read_json(path: str | Path, what: str) -> dict[str, Any]:
    """Return the values by name of a JSON file.

    Args:
        path: of the file.
        what: it should be, for errors.

    Raises:
        ValueError: no regular file, not JSON, or no object; one line that names the file.
    """
    check_regular(path)
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"must be an object, got {values!r}")
    except (OSError, RecursionError, ValueError) as error:
        raise ValueError(cut(f"{path}: not a {what}: {error}")) from error
    return values
