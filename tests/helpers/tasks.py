"""A task that other processes can import, as they cannot import a test file."""

import os
import time
from pathlib import Path

import torch

from neft._utils.seeding import generator
from neft.data import datasets
from neft.data.datasets import Source


def task(seed: int, wait: float = 0.0) -> tuple[int, float, int, int]:
    """Seed, a sum whose last bits depend on threads, threads, process."""
    if seed < 0:
        raise ValueError(f"seed must be non-negative, got {seed}")
    time.sleep(wait)
    values = torch.randn(300_000, generator=generator("engine", seed))
    return seed, values.exp().sum().item(), torch.get_num_threads(), os.getpid()


def datasets_read(source: Source) -> int:
    """How often this process has read a data set, this one included."""
    source.load()
    return datasets._load.cache_info().misses


def first_sleeps(log: Path, seconds: float) -> None:
    """The first process that calls this writes its id and sleeps; others raise FileExistsError."""
    with log.open("x") as mine:
        mine.write(str(os.getpid()))
    time.sleep(seconds)
