"""A task that other processes can import, as they cannot import a test file."""

import os
import time

import torch

from neft._utils.seeding import generator


def task(seed: int, wait: float = 0.0) -> tuple[int, float, int, int]:
    """Seed, a sum whose last bits depend on threads, threads, process."""
    if seed < 0:
        raise ValueError(f"seed must be non-negative, got {seed}")
    time.sleep(wait)
    values = torch.randn(300_000, generator=generator("engine", seed))
    return seed, values.exp().sum().item(), torch.get_num_threads(), os.getpid()
