"""Runs that are killed, that find the disk full, or that run beside others end as undisturbed."""

import random
import resource
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from campaign.conftest import Run

KILLS = 20
STAGES = (
    "check", "variation", "training@irs", "montecarlo@irs", "results", "study@mapping", "readme",
    "report",
)  # fmt: skip
pytestmark = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are seen in /proc")


def test_twenty_kills_change_no_byte_and_leave_no_process(
    made: Callable[[], Run], undisturbed: Run
) -> None:
    """Each time only the first process is killed: the others have to notice."""
    run, draw, kills = made(), random.Random(0), 0
    while kills < KILLS:
        process = run.start()
        with suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(2, 30))
        if process.poll() is not None:  # finished before it could be killed: start anew
            assert process.returncode == 0, process.communicate()[0]
            assert run.results() == undisturbed.results()
            run.call("rm", "-r", "out", "dvc.lock")
            continue
        process.send_signal(signal.SIGKILL)
        process.wait()
        run.until_quiet()
        kills += 1
    run.call()
    assert run.results() == undisturbed.results()


def full(limit: int) -> Callable[[], None]:
    """No file can grow beyond so many bytes, as on a disk without room for more."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("limit", [0, 3000])
def test_a_full_disk_at_any_stage_ends_in_a_line_and_the_next_run_is_right(
    stage: str, limit: int, undisturbed: Run
) -> None:
    before = undisturbed.results()
    command = ("dvc", "repro", "--single-item", "--force", stage)
    said = undisturbed.call(*command, fails=True, preexec_fn=full(limit))
    assert "Traceback" not in said
    undisturbed.until_quiet()
    undisturbed.call()
    assert undisturbed.results() == before


def test_runs_at_once_do_not_disturb_one_another(made: Callable[[], Run], undisturbed: Run) -> None:
    run = made()
    first, second = run.start(), run.start("python", "-m", "neft", "run", "params/again.yaml")
    for process in (first, second):
        said = process.communicate()[0]
        assert process.returncode == 0, said
    assert run.results() == undisturbed.results()
    assert run.results("results/again").items() <= undisturbed.results().items()


def test_the_same_run_twice_at_once_is_refused_in_a_line_or_waits(
    made: Callable[[], Run], undisturbed: Run
) -> None:
    run = made()
    both = [run.start(), run.start()]
    said = [process.communicate()[0] for process in both]
    assert "Traceback" not in "".join(said)
    assert any(process.returncode == 0 for process in both)
    run.call()
    assert run.results() == undisturbed.results()
