"""Contenders in processes of their own, called in turn. Linux only.

In one process the first contender would decide how the others fare: neft, for one, asks the C
library to keep freed memory (`neft._utils.allocator`), which would speed up all of them.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Self

import torch
from cases import Unavailable
from measure import Call, peak_bytes, timed
from torch import nn
from tqdm import tqdm

Build = Callable[[], Call]
"""Returns what is to be measured; another process can import it."""


@dataclass(frozen=True)
class Measured:
    """What `in_turn` found, by the contender's name.

    Args:
        seconds: of a call, one for each round.
        peaks: bytes that the first two calls needed at most, above what was held before them:
            a network's weights, for one, are not counted.
        first: seconds of the first call, with what is done once, such as compiling.
        missing: why a contender was not measured.
    """

    seconds: dict[str, list[float]]
    peaks: dict[str, int]
    first: dict[str, float]
    missing: dict[str, str]


def in_turn(builds: Mapping[str, Build], rounds: int, *, calls: int = 1, title: str) -> Measured:
    """Measure contenders in turn, because a machine's speed drifts.

    Args:
        builds: what builds each contender's call, by the contender's name.
        rounds: in each of them, every contender has its turn.
        calls: of a turn.
        title: of the progress bar.
    """
    measured = Measured({}, {}, {}, {})
    turns = (1 + rounds) * len(builds)
    with ExitStack() as open_, tqdm(total=turns, desc=title, leave=False) as bar:
        processes = {}
        for name, build in builds.items():
            try:
                processes[name] = open_.enter_context(OwnProcess(build))
                measured.peaks[name] = processes[name].peak
                measured.first[name] = processes[name].first
                measured.seconds[name] = []
            except Unavailable as reason:
                measured.missing[name] = str(reason)
            bar.update()
        for _ in range(rounds):
            for name, process in processes.items():
                measured.seconds[name].append(process.seconds(calls))
                bar.update()
    return measured


class OwnProcess:
    """A process that builds a call, runs it twice for its peak memory, and then as often as asked.

    Args:
        build: returns the call.

    Raises:
        Unavailable: build raised it.
    """

    def __init__(self, build: Build) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(["neft.training"])  # imported once, not once per process
        self._executor = ProcessPoolExecutor(1, context)
        try:
            started = self._executor.submit(_start, build, torch.get_num_threads())
            self.peak, self.first = started.result()
        except Unavailable:
            self._executor.shutdown()
            raise

    def seconds(self, calls: int) -> float:
        """Return the duration of a call, a mean over several."""
        return self._executor.submit(_run, calls).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown()


_built: list[Call] = []  # the call of this process


def _start(build: Build, threads: int) -> tuple[int, float]:
    torch.set_num_threads(threads)
    _load_torch()
    _built.append(build())
    first: list[float] = []
    peak = peak_bytes(lambda: first.extend(_run(1) for _ in range(2)))
    return peak, first[0]


def _run(calls: int) -> float:
    return sum(timed(_built[0]) for _ in range(calls)) / calls


def _load_torch() -> None:
    """Make small training steps, so that torch's own code (20 MiB and more) is in memory."""
    for layout in (torch.contiguous_format, torch.channels_last):
        network = nn.Sequential(
            nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3),
            nn.MaxPool2d(4), nn.Flatten(), nn.Linear(16 * 7 * 7, 10),
        ).to(memory_format=layout)  # fmt: skip
        optimizer = torch.optim.Adam(network.parameters())
        for _ in range(2):
            logits = network(torch.randn(2, 3, 32, 32).to(memory_format=layout))
            nn.functional.cross_entropy(logits, torch.arange(2)).backward()
            optimizer.step()
