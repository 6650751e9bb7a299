"""What several tests share: small tables of reads, and a data set to train on in a second."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import TensorDataset

from neft.datasets import Splits
from neft.levels import level_errors, summarise_levels
from neft.seeding import generator

G_MAX, LEVELS = 4e-5, 4  # of the tables of reads


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """As in tasks (`neft.engine`): how sums are split over threads changes their last bits."""
    torch.set_num_threads(1)


def level_table(
    reads: pd.DataFrame, *, technology: str, g_max_S: float, levels: int = 32
) -> pd.DataFrame:
    errors = level_errors(reads, g_max_S=g_max_S, levels=levels)
    return summarise_levels(errors, technology=technology, g_max_S=g_max_S)


@pytest.fixture(scope="session")
def tiny() -> Splits:
    """Three classes of noisy 32 x 32 patterns; 96, 30 and 30 images."""
    draw = generator("tiny")
    patterns = torch.randn(3, 1, 32, 32, generator=draw)

    def part(n: int) -> TensorDataset:
        labels = torch.arange(n) % 3
        noise = torch.randn(n, 1, 32, 32, generator=draw)
        return TensorDataset(patterns[labels] + noise, labels)

    return Splits(part(96), part(30), part(30), classes=3)


@pytest.fixture
def full():
    """Reads with all optional columns: 40 cells of number labels, 2 cycles, 4 targets, 3 times."""
    random = np.random.default_rng(7)
    rows = pd.MultiIndex.from_product(
        [range(8, 48), range(2), [0.0, 0.5, 20.0]], names=["cell", "cycle", "time_s"]
    ).to_frame(index=False)
    rows["target_S"] = (rows["cell"] + rows["cycle"]) % 4 * 1e-5 + 1e-5
    rows["conductance_S"] = rows["target_S"] * random.lognormal(0, 0.1, len(rows))
    return rows.assign(temperature_K=300.0)


@pytest.fixture
def reads():
    """240 cells, one in eight overshooting, skewed errors, reads missing at the last time."""
    random = np.random.default_rng(5)
    initial = random.uniform(0, G_MAX * 8 / 7, 240)
    rows = [(cell, 0.0, g) for cell, g in enumerate(initial)]
    for time_s in (0.5, 10.0):
        moved = initial * (1 + 0.1 * random.exponential(size=initial.size))
        rows += [(cell, time_s, g) for cell, g in enumerate(moved) if cell % 3 or time_s < 1]
    return pd.DataFrame(rows, columns=["cell", "time_s", "conductance_S"])
