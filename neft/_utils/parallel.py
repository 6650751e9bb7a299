"""Run independent tasks over processes, here or on a cluster, with the same bits on any number."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import torch
from tqdm import tqdm

from neft._utils.orphans import end_with

CPU = torch.device("cpu")
PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Machine:
    """What computes.

    Args:
        device: of the tensors.
        mixed_precision: whether training uses bfloat16 where that is safe.
        compile: whether training compiles.
        scheduler: address of a Dask scheduler whose workers compute; None for this machine. It is
            no part of the representation, because no result depends on it.
    """

    device: torch.device = CPU
    mixed_precision: bool = False
    compile: bool = False
    scheduler: str | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raise ValueError if the scheduler does not answer, or has no worker."""
        if self.scheduler is not None:
            from neft._utils import cluster  # not above: it imports this module

            with cluster.connected(self.scheduler):
                pass


CPU_ONLY = Machine()


def find_device(name: str) -> torch.device:
    """Return the device of that name; for "auto" CUDA if it is there, else MPS, else the CPU.

    Raises:
        ValueError: this machine does not have it.
    """
    there = ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available()
    there.append("cpu")
    if name not in ("auto", *there):
        raise ValueError(f"device must be one of auto, {', '.join(there)} here, got {name!r}")
    return torch.device(there[0] if name == "auto" else name)


def run(
    function: Callable[..., Any],
    tasks: Sequence[dict[str, Any]],
    *,
    description: str,
    machine: Machine = CPU_ONLY,
) -> list:
    """Call `function(**task)` for every task and return the results in the order of the tasks.

    As many processes as there are cores (`LOKY_MAX_CPU_COUNT` lowers that) or workers of the
    scheduler, and one thread in each: how sums are split over threads changes their last bits, so
    results do not depend on the machine's cores. Tasks for a GPU run in this process, one after
    another, unless there is a scheduler.

    Args:
        function: importable, as processes need it.
        tasks: keyword arguments of each call.
        description: of the progress bar.
        machine: what the tasks compute on.

    Returns:
        One result per task.

    Raises:
        ValueError: see `neft._utils.cluster.run`.
        Exception: the first that a task raised.
    """
    calls = [partial(_single_threaded, function, task) for task in tasks]
    if machine.scheduler is not None:
        from neft._utils import cluster  # not above: it imports this module

        return cluster.run(calls, scheduler=machine.scheduler, description=description)
    workers = min(joblib.cpu_count(), max(len(calls), 1)) if machine.device == CPU else 1
    ends: dict[str, Any] = {"initializer": end_with, "initargs": (os.getpid(),)}
    results = joblib.Parallel(n_jobs=workers, return_as="generator", **ends)(
        joblib.delayed(call)() for call in calls
    )
    return list(tqdm(results, description, total=len(calls), mininterval=1))


def _single_threaded(function: Callable[..., Any], task: dict[str, Any]) -> Any:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return function(**task)
    finally:
        torch.set_num_threads(threads)


def digest(code: Sequence[str], **values: Any) -> str:
    """Name what a result depends on: some code of the package, torch's version, the values given.

    Args:
        code: folders and files of the package, without what cannot change the result.
        values: plain values, or objects whose representation tells all (frozen dataclasses).

    Returns:
        32 hexadecimal digits.
    """
    files = [file for name in code for file in sorted([PACKAGE / name, *PACKAGE.glob(f"{name}/*")])]
    hashed = hashlib.sha256(b"".join(file.read_bytes() for file in files if file.suffix == ".py"))
    text = json.dumps([values, hashed.hexdigest(), torch.__version__], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
