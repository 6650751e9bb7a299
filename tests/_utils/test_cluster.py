"""Laws of tasks on a Dask cluster: the bits of local processes, whatever becomes of the workers."""

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from helpers.tasks import datasets_read, first_sleeps, task
from helpers.training import HARDWARE, TINY, KilledOnce, contents, train_tiny_grid

from neft._utils import cluster, parallel
from neft._utils.parallel import CPU_ONLY, Machine
from neft.data.datasets import Source
from neft.evaluation import Condition, evaluate_grid, trained_networks
from neft.training import OVF, NoiseInjection

distributed = pytest.importorskip("distributed")

DIGITS = replace(TINY, data=Source("mnist5k", training_images=64))


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Two workers, each a process."""
    settings = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": ":0"}
    with distributed.LocalCluster(n_workers=2, **settings) as two:
        yield Machine(scheduler=two.scheduler_address)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks have relative paths, and local ones run in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")


def run(tasks: list[dict], machine: Machine) -> list:
    return parallel.run(task, tasks, description="test", machine=machine)


def test_results_are_those_of_a_loop(machine: Machine) -> None:
    """In the order of the tasks, though the first ends last; one thread in each."""
    results = run([{"seed": s, "wait": 0.5 if s == 0 else 0.0} for s in range(6)], machine)
    assert [r[:3] for r in results] == [task(s)[:3] for s in range(6)]
    assert len({r[3] for r in results} - {os.getpid()}) == 2
    assert run([], machine) == []
    assert not list(Path().iterdir())


def test_networks_and_their_tests_are_those_of_local_processes(machine: Machine) -> None:
    found = {}
    for name, where in {"here": CPU_ONLY, "there": machine}.items():
        history = train_tiny_grid(
            Path(name), OVF(beta=0.1), sigma_d=[0.3], benchmark=DIGITS, machine=where
        )
        networks = trained_networks(name)
        draws, uncertainty = evaluate_grid(
            networks, [Condition(HARDWARE)], chips=2, scratch=Path("kept", name), machine=where
        )
        found[name] = contents(Path(name)), [history, draws, uncertainty]
    assert len(found["here"][0]) == 2
    assert found["here"][0] == found["there"][0]
    for here, there in zip(found["here"][1], found["there"][1], strict=True):
        pd.testing.assert_frame_equal(here, there, check_exact=True)
    # What a kept table's name is made of does not say where it was computed.
    assert contents(Path("kept", "here")) == contents(Path("kept", "there"))
    tasks = [{"source": DIGITS.data}] * 4
    assert set(parallel.run(datasets_read, tasks, description="test", machine=machine)) == {1}


def test_a_killed_workers_training_goes_on_elsewhere_with_the_same_bits(machine: Machine) -> None:
    steps = Path("steps").absolute()
    killed = KilledOnce(NoiseInjection(), [3], steps)  # in the second epoch of two steps
    asked = {"sigma_d": [0.3], "seeds": [0], "benchmark": DIGITS}
    here = train_tiny_grid(Path("here"), **asked)
    there = train_tiny_grid(Path("there"), killed, **asked, machine=machine, scratch="scratch")
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    assert contents(Path("here")) == contents(Path("there"))
    taken = Counter(steps.read_text().split()).values()
    assert sorted(taken) == [2, 3]  # not [3, 4]: the first epoch was kept


def test_a_tasks_exception_is_raised_and_ends_the_others(machine: Machine) -> None:
    tasks = [{"log": Path("pid").absolute(), "seconds": 120}] * 2
    with pytest.raises(FileExistsError, match="pid"):
        parallel.run(first_sleeps, tasks, description="test", machine=machine)
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path("pid").read_text()), 0)


def test_where_a_task_runs_is_no_part_of_what_it_depends_on() -> None:
    assert repr(Machine(scheduler="tcp://127.0.0.1:8786")) == repr(Machine())


@pytest.mark.parametrize("scheduler", ["tcp://127.0.0.1:1", "tcp://no.invalid:8786"])
def test_a_scheduler_that_does_not_answer_is_refused_soon(scheduler: str, monkeypatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    start = time.monotonic()
    for call in (Machine(scheduler=scheduler).check, lambda: run([], Machine(scheduler=scheduler))):
        with pytest.raises(ValueError, match=f"a Dask scheduler .* 0.5 s, got {scheduler}") as said:
            call()
        assert "\n" not in str(said.value)
    assert time.monotonic() - start < 10


def test_a_scheduler_without_workers_is_refused() -> None:
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty,
        pytest.raises(ValueError, match=r"scheduler must have a worker .*, got tcp://127"),
    ):
        Machine(scheduler=empty.scheduler_address).check()


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"^scheduler needs Dask: pip install 'neft\[cluster\]'$"):
        Machine(scheduler="tcp://127.0.0.1:8786").check()


@pytest.mark.parametrize(
    ("threads", "loaded", "seen", "said"),
    [
        (2, "same", "here", r"run one call at a time \(--nthreads 1\), got 2"),
        (1, "other", "here", "have the same neft and torch as the run, .*, got others"),
        (1, "same", "there", "see the run's folder, .*, found no .*there"),
        (1, "same", "here", None),
    ],
)
def test_a_worker_that_would_change_or_lose_results_refuses(
    threads: int, loaded: str, seen: str, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = SimpleNamespace(address="tcp://w:1", state=SimpleNamespace(nthreads=threads))
    monkeypatch.setattr(distributed, "get_worker", lambda: worker)
    monkeypatch.setattr(cluster, "LOADED", "same")
    Path("here").touch()
    if said is None:
        assert cluster._on_worker(os.getcwd, Path(seen).absolute(), loaded) == os.getcwd()
        return
    with pytest.raises(ValueError, match=f"^worker tcp://w:1 must {said}"):
        cluster._on_worker(os.getcwd, Path(seen).absolute(), loaded)
