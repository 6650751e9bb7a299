"""Atomic writing: a file is written as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


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

    Example:
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
