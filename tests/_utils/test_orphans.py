"""A process that is killed leaves none behind that it started."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import time
from pathlib import Path
from neft._utils import parallel

def work(place):
    import os, time
    (Path(place) / str(os.getpid())).touch()
    time.sleep(600)

parallel.run(work, [{"place": PLACE}] * 4, description="work")
"""
WAIT_S = 60


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


def until(what) -> bool:
    end = time.monotonic() + WAIT_S
    while not what() and time.monotonic() < end:
        time.sleep(0.1)
    return what()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_workers_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    code = SCRIPT.replace("PLACE", repr(str(tmp_path)))
    environment = {**os.environ, "LOKY_MAX_CPU_COUNT": "2"}
    run = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    try:
        assert until(lambda: len(list(tmp_path.iterdir())) == 2)
        workers = [int(path.name) for path in tmp_path.iterdir()]
        assert all(map(alive, workers)) and run.pid not in workers
        os.kill(run.pid, signal.SIGKILL)
        assert until(lambda: not any(map(alive, workers)))
    finally:
        run.kill()
        run.wait()


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_a_process_whose_parent_is_gone_already_ends_at_once() -> None:
    """As a worker whose run is killed before its first task."""
    code = "import os, time; from neft._utils.orphans import end_with; end_with({}); time.sleep(60)"
    for parent, expected in ((os.getpid(), None), (1, 1)):
        child = subprocess.Popen([sys.executable, "-c", code.format(parent)])
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            pass
        finally:
            assert child.poll() == expected
            child.kill()
            child.wait()
