"""How far the largest weight of a layer is from the others: the size of errors beside weights."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from neft.chip import device_weights
from neft.evaluation.trained import load_trained


def weight_ranges(paths: Sequence[Path]) -> pd.DataFrame:
    """Measure max|W| / std(W) of every weight on devices.

    Errors are proportional to max|W|. In a layer that BatchNorm follows, scaling all weights
    changes nothing, so that this ratio alone decides how large the errors are beside the weights.

    Args:
        paths: networks that `neft.training.grid.train_grid` saved.

    Returns:
        Columns method, trained_sigma_d, seed, weight (its name), range.
    """
    rows = []
    for path in paths:
        network, header = load_trained(path)
        about = {
            "method": header["method"],
            "trained_sigma_d": header["sigma_d"],
            "seed": header["seed"],
        }
        for name, weight in device_weights(network).items():
            values = weight.detach()
            ratio = values.abs().max() / values.std(correction=0)
            rows.append({**about, "weight": name, "range": ratio.item()})
    return pd.DataFrame(rows)
