"""DVC's own files, made whole again after a kill: DVC writes them in place, and cannot read a half.

- `.dvc/tmp/rwlock` says who uses what. Half of it says nothing, and is removed.
- `dvc.lock` says what each stage used and made. `keep` copies it when a stage begins, for DVC
  writes it when one has ended; `mend` puts that copy back in place of half a file, and enters the
  stage that had ended.
"""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from neft._utils.files import atomic_path

LOCK, RECORD = Path("dvc.lock"), Path(".dvc/tmp/rwlock")
KEPT = Path(".dvc/tmp/neft.json")


def keep(stage: str) -> None:
    """Copy dvc.lock at the beginning of a stage.

    Args:
        stage: its name.
    """
    if LOCK.is_file():
        with atomic_path(KEPT) as partial:
            partial.write_text(json.dumps({"stage": stage, "lock": LOCK.read_text()}))


def mend() -> None:
    """Make both files of the run in the current folder whole again, if a kill left half of one."""
    _mend_record()
    kept = json.loads(KEPT.read_text()) if KEPT.is_file() else None
    before = _stages(kept["lock"]) if kept else {}
    if not LOCK.is_file() or _continues(before or {}, LOCK.read_text()):
        return
    if kept is None:
        LOCK.unlink()
        return
    with atomic_path(LOCK) as partial:
        partial.write_text(kept["lock"])
    subprocess.run(["dvc", "commit", "--force", kept["stage"]], check=False, capture_output=True)


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


def _stages(text: str) -> dict[str, Any] | None:
    """Return the stages of a dvc.lock; None if it is no whole one."""
    try:
        values = YAML(typ="safe").load(text)
    except YAMLError:
        return None
    stages = values.get("stages") if isinstance(values, dict) else None
    whole = isinstance(stages, dict) and all(map(_is_whole, stages.values()))
    return stages if whole and text.endswith("\n") else None


def _is_whole(stage: Any) -> bool:
    if not isinstance(stage, dict) or "cmd" not in stage:
        return False
    parts = [*stage.get("deps", ()), *stage.get("outs", ())]
    return all(
        isinstance(part, dict)
        and part.keys() >= {"path", "md5", "size"}
        and ("nfiles" in part or not str(part["md5"]).endswith(".dir"))
        for part in parts
    )


def _continues(before: dict[str, Any], text: str) -> bool:
    """Say whether a dvc.lock is whole: no stage of before is missing, or has fewer parts."""
    stages = _stages(text)
    return stages is not None and all(
        name in stages and stages[name].keys() >= stage.keys() for name, stage in before.items()
    )
