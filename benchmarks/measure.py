"""How long a call takes and how much memory it needs. Linux only."""

import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

REPEATS = 7


def seconds(function: Callable[[], object]) -> float:
    """Median duration of a call, after one that does not count."""
    function()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def ratio(function: Callable[[], object], unit: Callable[[], object]) -> float:
    """Median of a call's duration over another's, in turn: a machine's speed drifts."""
    function(), unit()
    ratios = []
    for _ in range(REPEATS):
        times = [time.perf_counter()]
        for each in (function, unit):
            each()
            times.append(time.perf_counter())
        ratios.append((times[1] - times[0]) / (times[2] - times[1]))
    return statistics.median(ratios)


def peak_bytes(function: Callable[[], object]) -> int:
    """Peak resident memory during a call, above what was held before it."""

    def resident(key: str) -> int:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(re.search(rf"{key}:\s+(\d+)", status)[1])

    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    function()
    return resident("VmHWM") - before
