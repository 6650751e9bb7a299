"""ReRAM devices of one kernel: their conductances after programming, and those that are stuck.

The source (doi 10.1038/s41467-025-56319-6; data of its figures 3d and 3e) programmed the 625
devices of a kernel to four targets, 133 to 233 uS, and read them. What these files can say:

- the error of programming at those four conductances, at one time after programming. Below
  133 uS, more than half of the range, nothing was measured;
- how many devices were left out or are stuck, in one kernel of one chip.

They do not say how conductances move after the read, or from which state a device was left out.
"""

from pathlib import Path

import pandas as pd
from scipy import stats

STUCK_ABOVE_uS = 300
"""The source's own plot counts a device above this as stuck at a high conductance."""


def read_programmed(path: str | Path) -> pd.DataFrame:
    """Read the programmed devices as reads at time 0 (see `neft.characterize.reads`).

    The devices recorded as 0 are left out: the source gives no read of them.

    Args:
        path: CSV file of target_uS and conductance_uS, one row per device.

    Returns:
        Columns cell (the row's number), time_s, conductance_S, target_S.
    """
    table = pd.read_csv(path)
    kept = table[table.conductance_uS > 0] / 1e6
    reads = kept.set_axis(["target_S", "conductance_S"], axis="columns").assign(time_s=0.0)
    return reads.rename_axis("cell").reset_index()


def stuck_rates(technology: str, programmed: str | Path, kernel_map: str | Path) -> pd.DataFrame:
    """Count the devices that were left out, and those that are stuck at a high conductance.

    The two counts are of two files and may hold the same devices: do not add them.

    Args:
        technology: its name in the table.
        programmed: the file of `read_programmed`.
        kernel_map: CSV file with conductance_uS of every device of such a kernel.

    Returns:
        One row per count: technology, what, stuck, devices, and the rate with the bounds low and
        high of its 95 % interval (Wilson, doi 10.1080/01621459.1927.10502953).
    """
    counts = {
        "recorded_as_0": pd.read_csv(programmed).conductance_uS == 0,
        f"above_{STUCK_ABOVE_uS}_uS": pd.read_csv(kernel_map).conductance_uS > STUCK_ABOVE_uS,
    }
    rows = []
    for what, stuck in counts.items():
        test = stats.binomtest(int(stuck.sum()), len(stuck))
        low, high = test.proportion_ci(0.95, method="wilson")
        rows.append((technology, what, test.k, test.n, test.statistic, low, high))
    columns = ["technology", "what", "stuck", "devices", "rate", "low", "high"]
    return pd.DataFrame(rows, columns=columns)
