"""Laws of running tasks: the same results in the same order, wherever they run."""

import os
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest
import torch
from helpers.tasks import task

from neft._utils import parallel
from neft.devices import MeasuredGaussian, RatioGaussian

CODE = ("_utils", "devices")


def run(tasks: list[dict]) -> list:
    return parallel.run(task, tasks, description="test")


@pytest.fixture(params=[1, 2])
def processes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", str(request.param))
    return min(request.param, joblib.cpu_count())


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_results_are_those_of_a_loop_on_any_number_of_processes(processes: int) -> None:
    """In the order of the tasks, though the first ends last; one thread in each."""
    results = run([{"seed": s, "wait": 0.2 if s == 0 else 0.0} for s in range(6)])
    assert torch.get_num_threads() == 2
    torch.set_num_threads(1)
    assert [r[:3] for r in results] == [task(s)[:3] for s in range(6)]
    assert ({r[3] for r in results} == {os.getpid()}) == (processes == 1)


@pytest.mark.usefixtures("processes", "two_threads")
def test_a_tasks_exception_is_raised_and_restores_the_threads() -> None:
    with pytest.raises(ValueError, match="seed must be non-negative, got -1"):
        run([{"seed": 0}, {"seed": -1}, {"seed": 2}])
    assert torch.get_num_threads() == 2


def test_no_task_gives_no_result() -> None:
    assert run([]) == []


def test_tasks_for_a_gpu_share_this_process() -> None:
    tasks = [{"seed": s} for s in range(3)]
    gpu = parallel.Machine(torch.device("cuda"))
    results = parallel.run(task, tasks, description="test", machine=gpu)
    assert [r[0] for r in results] == [0, 1, 2]
    assert {r[3] for r in results} == {os.getpid()}


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(1, 1, "cuda"), (0, 1, "mps"), (1, 0, "cuda"), (0, 0, "cpu")]
)
def test_auto_is_the_best_device_that_is_there(
    cuda: int, mps: int, best: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: bool(cuda))
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: bool(mps))
    assert parallel.find_device("auto") == torch.device(best)
    assert parallel.find_device("cpu") == parallel.CPU
    for name, there in {"cuda": cuda, "mps": mps, "tpu": 0}.items():
        if not there:
            with pytest.raises(ValueError, match=f"one of auto, .*cpu here, got '{name}'"):
                parallel.find_device(name)


def values(**changes: object) -> dict[str, object]:
    return {"method": "ovf", "sigma_d": 0.1, "seed": 1, "betas": (1e-3, 1e-2), **changes}


def test_equal_values_have_equal_digests() -> None:
    reordered = dict(reversed(values(device=RatioGaussian("made", "up", 2.0)).items()))
    first = parallel.digest(CODE, **values(device=RatioGaussian("made", "up", 2.0)))
    assert first == parallel.digest(CODE, **reordered)
    assert len(first) == 32
    assert int(first, 16) >= 0


def test_every_change_of_a_value_or_of_torch_changes_the_digest(monkeypatch) -> None:
    measured = [
        MeasuredGaussian("made", "up", 1.0, g=(0.0, 1.0), sigma=(0.01, s)) for s in (0.05, 0.06)
    ]
    changes = [
        {},
        {"method": "irs"},
        {"sigma_d": 0.1 + 1e-16 * 2},
        {"seed": 2},
        {"seed": "1"},
        {"seed": None},
        {"betas": (1e-2, 1e-3)},
        {"more": None},
        *({"device": model} for model in measured),
        {"device": RatioGaussian("made", "up", 2.0)},
        {"device": RatioGaussian("made", "up", 3.0)},
    ]
    digests = {parallel.digest(CODE, **values(**change)) for change in changes}
    assert len(digests) == len(changes)
    monkeypatch.setattr(torch, "__version__", "0.0")
    assert parallel.digest(CODE, **values()) not in digests


@pytest.mark.parametrize(
    ("changed", "counts"),
    [("devices/noise.py", True), ("networks.py", True), ("figures/style.py", False)],
)
def test_code_counts_where_it_can_change_the_result(
    changed: str, counts: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("devices/noise.py", "networks.py", "figures/style.py", "devices/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1")
    monkeypatch.setattr(parallel, "PACKAGE", tmp_path)
    digests = []
    for code in ("x = 1", "x = 2", "x = 1"):
        (tmp_path / changed).write_text(code)
        digests.append(parallel.digest(("devices", "networks.py"), seed=1))
    assert digests[0] == digests[2]
    assert (digests[0] != digests[1]) == counts
