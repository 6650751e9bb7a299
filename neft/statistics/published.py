"""The paper's published accuracy curves, read off its figure, not reproduced here."""

from pathlib import Path

import pandas as pd

ACCURACY = Path(__file__).parent / "paper" / "accuracy.csv"


def accuracy(dataset: str, network: str, width: float) -> pd.DataFrame:
    """Return the published curves of a benchmark (arXiv 2305.14561; source: `paper/README.md`).

    Args:
        dataset: name in `neft.data.datasets.DATASETS`.
        network: name in `neft.networks.NETWORKS`.
        width: width multiplier of the network; 1 in the paper.

    Returns:
        Columns method, sigma_d, accuracy (fraction). Points below the figure's axes are left out;
        the table is empty if the paper has no such benchmark.
    """
    table = pd.read_csv(ACCURACY)
    names = table.dataset.replace("tinyimagenet", "tiny_imagenet")
    rows = table[(names == dataset) & (table.model == network) & (width == 1)]
    rows = rows.dropna(subset="accuracy_percent").reset_index(drop=True)
    return rows[["method", "sigma_d"]].assign(accuracy=rows.accuracy_percent / 100)
