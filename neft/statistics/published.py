"""The paper's published accuracy curves, read off its figure, not reproduced here."""

from pathlib import Path

import pandas as pd

ACCURACY = Path(__file__).parent / "paper" / "accuracy.csv"


def accuracy(
    dataset: str, network: str, width: float, initialisation: str, side: int
) -> pd.DataFrame:
    """Return the published curves of a benchmark (arXiv 2305.14561; source: `paper/README.md`).

    Curves are of one benchmark if they share images, network and initial weights, which decide more
    than the method does.

    Args:
        dataset: name in `neft.data.datasets.DATASETS`.
        network: name in `neft.networks.NETWORKS`.
        width: width multiplier of the network; 1 in the paper.
        initialisation: name in `neft.networks.INITIALISATIONS`; "paper" in the paper.
        side: height and width of the images, in pixels; 64 of Tiny ImageNet in the paper, 32 of
            all others.

    Returns:
        Columns method, sigma_d, accuracy (fraction). Points below the figure's axes are left out;
        the table is empty if the paper has no such benchmark.
    """
    table = pd.read_csv(ACCURACY)
    names = table.dataset.replace("tinyimagenet", "tiny_imagenet")
    same_side = side == (64 if dataset == "tiny_imagenet" else 32)
    same = width == 1 and initialisation == "paper" and same_side
    rows = table[(names == dataset) & (table.model == network) & same]
    rows = rows.dropna(subset="accuracy_percent").reset_index(drop=True)
    return rows[["method", "sigma_d"]].assign(accuracy=rows.accuracy_percent / 100)
