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


def peak_bytes(function: Callable[[], object]) -> int:
    """Peak resident memory during a call, above what was held before it."""

    def resident(key: str) -> int:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(re.search(rf"{key}:\s+(\d+)", status)[1])

    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    function()
    return resident("VmHWM") - before
