"""Run independent tasks over local processes, with the same bits on any number of them."""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
    """What computes: a device; whether training uses bfloat16 where that is safe, and compiles."""

    device: torch.device = CPU
    mixed_precision: bool = False
    compile: bool = False


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
    device: torch.device = CPU,
) -> list:
    """Call `function(**task)` for every task and return the results in the order of the tasks.

    As many processes as there are cores (`LOKY_MAX_CPU_COUNT` lowers that), and one thread in
    each: how sums are split over threads changes their last bits, so results do not depend on
    the machine's cores. joblib's other backends, Dask's among them, serve as well
    (`joblib.parallel_config`). Tasks for a GPU run in this process, one after another.

    Args:
        function: importable, as processes need it.
        tasks: keyword arguments of each call.
        description: of the progress bar.
        device: that the tasks compute on.

    Returns:
        One result per task.

    Raises:
        Exception: the first that a task raised.
    """
    workers = min(joblib.cpu_count(), max(len(tasks), 1)) if device == CPU else 1
    results = joblib.Parallel(n_jobs=workers, return_as="generator")(
        joblib.delayed(_single_threaded)(function, task, os.getpid()) for task in tasks
    )
    return list(tqdm(results, description, total=len(tasks), mininterval=1))


def _single_threaded(function: Callable[..., Any], task: dict[str, Any], caller: int) -> Any:
    end_with(caller)
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
