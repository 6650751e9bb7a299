"""Small tables of reads."""

import numpy as np
import pandas as pd
import pytest
from helpers.reads import G_MAX


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
