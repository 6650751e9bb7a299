"""Training methods of the user's own, in Python files of the folder `own`."""

import hashlib
import importlib
import re
import sys
from pathlib import Path

from neft._utils.checks import cut
from neft.training.base import Method

FOLDER = Path("own")
"""Where the files are, below the current folder."""


def import_own(module: str) -> None:
    """Import own/MODULE.py, whose methods then are among `neft.training.METHODS`.

    Raises:
        ValueError: there is no such file, or it cannot be imported; one line.
    """
    path = FOLDER / f"{module}.py"
    if not isinstance(module, str) or not re.fullmatch("[A-Za-z][A-Za-z0-9_]*", module):
        raise ValueError(f"must be the name of a file in {FOLDER}/ without .py, got {module!r}")
    if not path.is_file():
        raise ValueError(f"must be the name of a file in {FOLDER}/ without .py, found no {path}")
    if (here := str(Path.cwd())) not in sys.path:  # of the processes that train, too
        sys.path.insert(0, here)
    try:
        importlib.import_module(f"{FOLDER}.{module}")
    except Exception as error:
        raise ValueError(cut(f"{path} must be importable: {error!r}")) from error


def code_of(method: Method) -> str | None:
    """Name the code of a method of the user's own, all files of the folder; None if built in."""
    if not type(method).__module__.startswith(f"{FOLDER}."):
        return None
    files = sorted(FOLDER.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
