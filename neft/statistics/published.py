"""The paper's own accuracy curves, to draw beside ours: read off its figure, not run here."""

from pathlib import Path

import pandas as pd

ACCURACY = Path(__file__).parent / "paper" / "accuracy.csv"


def accuracy(dataset: str, network: str, width: float) -> pd.DataFrame:
    """Return the published curves of a benchmark (arXiv 2305.14561; see README.md in `paper`).

    Args:
        dataset: name in `neft.data.datasets.DATASETS`.
        network: name in `neft.networks.NETWORKS`.
        width: its width multiplier; the paper's networks have 1.

    Returns:
        Columns method, sigma_d, accuracy (fraction), without the points that lie below the
        figure's axes; no rows if the paper has no such benchmark.
    """
    table = pd.read_csv(ACCURACY)
    names = table.dataset.replace("tinyimagenet", "tiny_imagenet")
    rows = table[(names == dataset) & (table.model == network) & (width == 1)]
    rows = rows.dropna(subset="accuracy_percent").reset_index(drop=True)
    return rows[["method", "sigma_d"]].assign(accuracy=rows.accuracy_percent / 100)
