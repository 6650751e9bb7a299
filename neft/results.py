"""The result table: what the draws of all methods say."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from neft.statistics import mean_interval


def summarise(draws: pd.DataFrame, by: Sequence[str] = ("method", "sigma_d")) -> pd.DataFrame:
    """Make the result table: one row for each method and sigma_d.

    Args:
        draws: columns seed, chip, accuracy and those of `by`; a row a chip.
        by: what a row of the table is for.

    Returns:
        The columns of `by`, then seeds, chips (per seed), accuracy (mean over seeds of the mean
        over chips), low, high (its 95 % t interval over seeds, cut to [0, 1]), chip_std (spread
        over chips, root mean square over seeds), p1, p5, p95 (percentiles over all chips), in
        the order of appearance.
    """
    rows = []
    for key, group in draws.groupby(list(by), sort=False):
        by_seed = group.groupby("seed").accuracy
        interval = mean_interval(by_seed.mean())
        p1, p5, p95 = np.percentile(group.accuracy, [1, 5, 95])
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
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
