"""The paper's published accuracy curves, read off its figure; whether its orderings hold here."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from neft.statistics.summary import paired_differences

ACCURACY = Path(__file__).parent / "paper" / "accuracy.csv"
ROUNDING = 1e-4
"""Largest difference of two published accuracies that their rounding explains."""


def accuracy(dataset: str, network: str) -> pd.DataFrame:
    """Return the published curves of a benchmark (arXiv 2305.14561; source: `paper/README.md`).

    They are of networks at full width, trained for 200 epochs from the initial weights that we call
    the paper's, on images of 32 x 32 pixels (Tiny ImageNet 64 x 64).

    Args:
        dataset: name in `neft.data.datasets.DATASETS`.
        network: name in `neft.networks.NETWORKS`.

    Returns:
        Columns method, sigma_d, accuracy (fraction). Points below the figure's axes are left out;
        the table is empty if the paper has no such benchmark.
    """
    table = pd.read_csv(ACCURACY)
    names = table.dataset.replace("tinyimagenet", "tiny_imagenet")
    rows = table[(names == dataset) & (table.model == network)]
    rows = rows.dropna(subset="accuracy_percent").reset_index(drop=True)
    return rows[["method", "sigma_d"]].assign(accuracy=rows.accuracy_percent / 100)


def orderings(theirs: pd.DataFrame, draws: pd.DataFrame, ours: Mapping[str, str]) -> pd.DataFrame:
    """Say for each pair of methods and each sigma_d whether the published ordering holds here.

    Args:
        theirs: columns method, sigma_d, accuracy, as `accuracy` returns them.
        draws: columns method, sigma_d, seed, chip, accuracy; one row per seed and chip.
        ours: published method -> method of `draws` that stands for it.

    Returns:
        Columns method, against (published names), sigma_d, published (difference of the published
        accuracies), difference, low, high (ours, paired, with its 95 % interval) and verdict:
        "holds", "reversed" or "no significant difference", and "one seed" without an interval.
        Pairs that the paper does not order, because a point is below its figure's axis or their
        difference is within `ROUNDING`, and those that were not run here have no row.

    Raises:
        ValueError: two methods were not run with the same sigma_d, seeds and chips.
    """
    curves = theirs.pivot(index="sigma_d", columns="method", values="accuracy")
    run = {name: ours[name] for name in theirs.method.unique() if name in ours}
    tables = []
    for against, method in combinations(run, 2):
        both = draws[draws.method.isin([run[against], run[method]])]
        found = paired_differences(both, "method", against=run[against], by=["sigma_d"])
        published = (curves[method] - curves[against]).reindex(found.sigma_d).to_numpy()
        found = found.assign(method=method, against=against, published=published)
        tables.append(found[np.abs(published) > ROUNDING * 1.001])
    columns = ["method", "against", "sigma_d", "published", "difference", "low", "high"]
    if not tables:
        return pd.DataFrame(columns=[*columns, "verdict"])
    rows = pd.concat(tables, ignore_index=True)[columns]
    return rows.assign(verdict=[_verdict(row) for row in rows.itertuples()])


def _verdict(row) -> str:
    if np.isnan(row.low):
        return "one seed"
    if row.low <= 0 <= row.high:
        return "no significant difference"
    return "holds" if (row.low > 0) == (row.published > 0) else "reversed"
