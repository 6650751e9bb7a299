"""After a kill at any byte, DVC can read its files again, and knows what was finished before."""

from pathlib import Path

import pytest
from dvc.dvcfile import LOCK_FILE, Lockfile
from dvc.repo import Repo

from neft.pipeline import dvc_files

ROOT = Path(__file__).parents[2]
WHOLE = (ROOT / "dvc.lock").read_text()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty run's folder."""
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    return tmp_path


@pytest.mark.parametrize(("record", "stays"), [("", False), ('{"a": ', False), ("{}", True)])
def test_half_a_record_is_removed(record: str, stays: bool) -> None:
    dvc_files.RECORD.write_text(record)
    dvc_files.mend()
    assert dvc_files.RECORD.exists() == stays


def test_a_whole_lock_stays_as_it_is(here: Path) -> None:
    dvc_files.mend()  # of a run that has none yet
    dvc_files.LOCK.write_text(WHOLE)
    dvc_files.mend()
    dvc_files.keep()
    more = WHOLE + "  added:\n    cmd: make\n"
    dvc_files.LOCK.write_text(more)
    dvc_files.mend()
    assert dvc_files.LOCK.read_text() == more


@pytest.mark.parametrize("kept", [True, False])
def test_dvc_reads_a_lock_that_was_cut_at_any_byte(kept: bool) -> None:
    """Of one stage, as of every stage. What is cut away without a trace runs again."""
    stage = WHOLE[: WHOLE.index("  training@noise_injection:\n")]
    second = stage[: stage.index("  training@noise_free:\n")]
    dvc_files.LOCK.write_text(second)
    if kept:
        dvc_files.keep()
    with Repo() as repo:
        for place in range(0, len(stage), 11):
            dvc_files.LOCK.write_text(stage[:place])
            dvc_files.mend()
            if dvc_files.LOCK.exists():
                Lockfile(repo, LOCK_FILE).load()
            assert dvc_files.LOCK.exists() or not kept
