"""DVC's own files, made readable again after a kill: DVC writes them in place, and reads no half.

- `.dvc/tmp/rwlock` says who uses what. Half of it says nothing, and is removed.
- `dvc.lock` says what each stage used and made. DVC writes it when a stage has ended; `keep` copies
  it when the next one begins, and `mend` puts that copy back in place of half a file. Only the
  stage that ended just before the kill runs again: DVC compares all others with what is there.
"""

import json
import time
from pathlib import Path

from ruamel.yaml import YAML, YAMLError

from neft._utils.files import atomic_path

LOCK, RECORD = Path("dvc.lock"), Path(".dvc/tmp/rwlock")
KEPT = Path(".dvc/tmp/neft.lock")


def keep() -> None:
    """Copy dvc.lock, at the beginning of a stage."""
    if LOCK.is_file():
        with atomic_path(KEPT) as partial:
            partial.write_text(LOCK.read_text())


def mend() -> None:
    """Make both files of the run in the current folder readable again."""
    _mend_record()
    if not LOCK.is_file() or _readable(LOCK.read_text()):
        return
    if not KEPT.is_file():
        LOCK.unlink()  # of a run without a finished stage
        return
    with atomic_path(LOCK) as partial:
        partial.write_text(KEPT.read_text())


def _mend_record() -> None:
    """Look twice, for another run may be writing the record right now."""
    for wait_s in (1.0, 0.0):
        try:
            json.loads(RECORD.read_text())
        except FileNotFoundError:
            return
        except ValueError:
            time.sleep(wait_s)
        else:
            return
    RECORD.unlink(missing_ok=True)


def _readable(text: str) -> bool:
    """Ask DVC whether it can read a dvc.lock."""
    from dvc.dvcfile import Lockfile  # not above: stages do not wait for it
    from dvc.exceptions import DvcException

    try:
        Lockfile.validate(YAML(typ="safe").load(text))
    except (DvcException, YAMLError):
        return False
    return True
