"""After a kill at any byte, DVC's files are whole again, and no finished stage is lost."""

import subprocess
from pathlib import Path

import pytest

from neft.pipeline import dvc_files

ROOT = Path(__file__).parents[2]
WHOLE = (ROOT / "dvc.lock").read_text()
STAGES = list(dvc_files._stages(WHOLE) or {})


@pytest.fixture(autouse=True)
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """An empty run's folder, and what DVC is asked to do in it."""
    monkeypatch.chdir(tmp_path)
    asked: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: asked.append(command))
    return asked


@pytest.mark.parametrize(("record", "stays"), [("", False), ('{"a": ', False), ("{}", True)])
def test_half_a_record_is_removed(record: str, stays: bool) -> None:
    dvc_files.RECORD.parent.mkdir(parents=True)
    dvc_files.RECORD.write_text(record)
    dvc_files.mend()
    assert dvc_files.RECORD.exists() == stays


def test_a_whole_lock_stays_as_it_is_also_with_more_stages(committed: list) -> None:
    dvc_files.mend()  # of a run that has none yet
    dvc_files.LOCK.write_text(WHOLE)
    dvc_files.mend()
    dvc_files.keep("results")
    more = WHOLE + "  added:\n    cmd: true\n"
    dvc_files.LOCK.write_text(more)
    dvc_files.mend()
    assert dvc_files.LOCK.read_text() == more and committed == []


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999])
@pytest.mark.parametrize("at_line", [False, True])
def test_half_a_lock_is_replaced_and_the_ended_stage_entered(
    share: float, at_line: bool, committed: list
) -> None:
    """A file cut at the end of a line can be read, and lacks stages all the same."""
    dvc_files.LOCK.write_text(WHOLE)
    dvc_files.keep("montecarlo@ovf")
    cut = WHOLE[: int(share * len(WHOLE))]
    dvc_files.LOCK.write_text(cut[: cut.rfind("\n") + 1] if at_line else cut)
    dvc_files.mend()
    assert dvc_files.LOCK.read_text() == WHOLE
    assert committed == [["dvc", "commit", "--force", "montecarlo@ovf"]]


def test_half_a_first_lock_goes(committed: list) -> None:
    dvc_files.LOCK.write_text(WHOLE[:1000])
    dvc_files.mend()
    assert not dvc_files.LOCK.exists() and committed == []
