"""What reading costs: time and memory from a CSV of 1,000,000 reads to its level table.

    python benchmarks/reads.py

Of 100,000 cells at 10 times, with targets. A process of its own reads the file once; memory is
the peak of that process, the interpreter and its libraries included. Linux only.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from neft.characterize.levels import level_errors, summarise_levels
from neft.characterize.reads import read_reads

CELLS, TIMES, TARGETS = 100_000, 10, 16
G_MAX_US = 40.0


def write(path: Path) -> None:
    """Write the reads, time by time, so that this process stays small."""
    random = np.random.default_rng(0)
    targets = (np.arange(CELLS) % TARGETS + 0.5) * G_MAX_US / TARGETS
    with path.open("w") as file:
        file.write("cell,time_s,conductance_uS,target_uS\n")
        for step in range(TIMES):
            read = np.abs(targets + random.normal(scale=0.5, size=CELLS))
            rows = enumerate(zip(read, targets, strict=True))
            file.writelines(f"c{cell},{step},{g:.6g},{aim:g}\n" for cell, (g, aim) in rows)


def measure(path: str) -> None:
    """Read the file, make the table, and print what both took."""
    start = time.perf_counter()
    reads = read_reads(path)
    read = time.perf_counter()
    errors = level_errors(reads, g_max_S=G_MAX_US / 1e6, levels=TARGETS)
    levels = summarise_levels(errors, technology="made", g_max_S=G_MAX_US / 1e6)
    made = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(reads)} reads: {read - start:.1f} s; {len(levels)} levels: {made - read:.1f} s")
    print(f"together {made - start:.1f} s, peak memory {peak:.0f} MB")


def main() -> None:
    """Make the file, and measure in a process of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "reads.csv"
        write(path)
        subprocess.run([sys.executable, __file__, str(path)], check=True)


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
