"""How long calls take and how much memory they need. Linux only."""

import platform
import re
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

Call = Callable[[], object]

REPEATS = 7


def machine() -> str:
    """Name the processor, the number of threads and the version of torch."""
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    model = found[1] if found else platform.processor() or platform.machine()
    return f"{model}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def timed(call: Call) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def rounds(calls: Mapping[str, Call], repeats: int = REPEATS) -> dict[str, list[float]]:
    """Return the durations of several calls, measured in turn: a machine's speed drifts.

    Args:
        calls: by name; every round makes each call once.
        repeats: number of rounds, after one that does not count.
    """
    made = [[timed(call) for call in calls.values()] for _ in range(1 + repeats)]
    return dict(zip(calls, map(list, zip(*made[1:], strict=True)), strict=True))


def multiples(times: Mapping[str, list[float]], unit: str) -> dict[str, np.ndarray]:
    """Return quartiles of each call's duration over that of `unit` in the same round, [3]."""
    return {
        name: np.quantile(np.divide(own, times[unit]), (0.25, 0.5, 0.75))
        for name, own in times.items()
    }


def seconds(function: Call) -> float:
    """Median duration of a call, after one that does not count."""
    return statistics.median(rounds({"": function})[""])


def ratio(function: Call, unit: Call) -> float:
    """Median of a call's duration over another's, in turn."""
    return multiples(rounds({"function": function, "unit": unit}), "unit")["function"][1]


def peak_bytes(function: Call) -> int:
    """Peak resident memory during a call, above what was held before it."""

    def resident(key: str) -> int:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(re.search(rf"{key}:\s+(\d+)", status)[1])

    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    function()
    return resident("VmHWM") - before
