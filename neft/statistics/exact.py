"""Accuracy without errors: what a training for noisy devices costs where there are none."""

import numpy as np
import pandas as pd

from neft.statistics.confidence import interval_over_seeds

AGAINST = "noise_free"


def summarise_exact(exact: pd.DataFrame) -> pd.DataFrame:
    """Average accuracies without errors over seeds, and compare them with noise-free training's.

    Args:
        exact: columns method, trained_sigma_d, seed, accuracy; one row per network.

    Returns:
        Columns method, trained_sigma_d, seeds, accuracy, low, high (its 95 % t interval over seeds,
        cut to [0, 1]; NaN with one), difference, difference_low, difference_high (from noise-free
        training, seed by seed, with its t interval; NaN if that was not run).
    """
    wide = exact.pivot(index=["trained_sigma_d", "seed"], columns="method", values="accuracy")
    rows = []
    for (method, sigma_d), group in exact.groupby(["method", "trained_sigma_d"], sort=False):
        own = interval_over_seeds(group.accuracy)
        row = [method, sigma_d, len(group), own.mean, *np.clip([own.low, own.high], 0, 1)]
        beside = [float("nan")] * 3
        if AGAINST in wide:
            pairs = interval_over_seeds(wide.loc[sigma_d, method] - wide.loc[sigma_d, AGAINST])
            beside = [pairs.mean, pairs.low, pairs.high]
        rows.append([*row, *beside])
    columns = ["method", "trained_sigma_d", "seeds", "accuracy", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "difference", "difference_low", "difference_high"])
