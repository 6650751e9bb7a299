"""Mean over seeds of mean accuracies that were estimated network by network."""

import numpy as np
import pandas as pd

from neft.statistics.confidence import interval_over_seeds


def summarise_estimates(estimates: pd.DataFrame) -> pd.DataFrame:
    """Average estimated accuracies over seeds.

    A seed's estimate is its true accuracy plus an error. All networks meet the same chips with the
    same images, so that the errors are correlated and their mean may be as wide as one of them.
    The half-width is therefore sqrt(t^2 + h^2), with t that of Student's 95 % interval over seeds
    and h the mean half-width of the seeds' estimates: an upper bound, as t contains the errors too.

    Args:
        estimates: columns method, sigma_d, seed, mean, low, high, chips, images, reached; one row
            per network (`neft.evaluation.estimated_grid`).

    Returns:
        Columns method, sigma_d, seeds, mean, low, high (95 %, cut to [0, 1]; NaN with one seed),
        chips and images (of all seeds together), reached (by all seeds).
    """
    rows = []
    for (method, sigma_d), group in estimates.groupby(["method", "sigma_d"], sort=False):
        over_seeds = interval_over_seeds(group["mean"])
        # The longer arm: the other may be cut at 0 or 1.
        of_chips = np.fmax(group.high - group["mean"], group["mean"] - group.low).mean()
        half = np.hypot(over_seeds.high - over_seeds.mean, of_chips)
        low, high = np.clip([over_seeds.mean - half, over_seeds.mean + half], 0, 1)
        sums = [int(group[column].sum()) for column in ("chips", "images")]
        means = [len(group), over_seeds.mean, low, high]
        rows.append([method, sigma_d, *means, *sums, bool(group.reached.all())])
    columns = ["seeds", "mean", "low", "high", "chips", "images", "reached"]
    return pd.DataFrame(rows, columns=["method", "sigma_d", *columns])
