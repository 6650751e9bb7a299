"""The result table: what the draws of all methods say."""

import numpy as np
import pandas as pd

from neft.statistics import mean_interval


def summarise(draws: pd.DataFrame) -> pd.DataFrame:
    """Make the result table: one row for each method and sigma_d.

    Args:
        draws: columns method, sigma_d, seed, chip, accuracy; a row a chip.

    Returns:
        Columns method, sigma_d, seeds, chips (per seed), accuracy (mean over seeds of the mean
        over chips), low, high (its 95 % t interval over seeds, cut to [0, 1]), chip_std (spread
        over chips, root mean square over seeds), p1, p5, p95 (percentiles over all chips), in
        the order of appearance.
    """
    rows = []
    for (method, sigma_d), group in draws.groupby(["method", "sigma_d"], sort=False):
        by_seed = group.groupby("seed").accuracy
        interval = mean_interval(by_seed.mean())
        p1, p5, p95 = np.percentile(group.accuracy, [1, 5, 95])
        rows.append(
            {
                "method": method,
                "sigma_d": sigma_d,
                "seeds": by_seed.ngroups,
                "chips": int(by_seed.size().min()),
                "accuracy": interval.mean,
                "low": max(interval.low, 0.0),
                "high": min(interval.high, 1.0),
                "chip_std": float(np.sqrt(by_seed.var().mean())),
                "p1": p1,
                "p5": p5,
                "p95": p95,
            }
        )
    return pd.DataFrame(rows)
