"""The published curves equal the file's rows, under our names."""

import pandas as pd
import pytest

from neft.data.datasets import DATASETS
from neft.figures.style import METHOD_STYLES
from neft.networks import NETWORKS
from neft.statistics import published

FILE = pd.read_csv(published.ACCURACY)
PANELS = {
    ("mnist", "vgg8"): "mnist",
    ("cifar10", "vgg8"): "cifar10",
    ("mnist", "resnet18"): "mnist",
    ("cifar10", "resnet18"): "cifar10",
    ("cifar100", "resnet18"): "cifar100",
    ("tiny_imagenet", "resnet18"): "tinyimagenet",
}


def side(dataset: str) -> int:
    return 64 if dataset == "tiny_imagenet" else 32


def test_every_panel_maps_to_our_names() -> None:
    assert {(name, network) for (_, network), name in PANELS.items()} == set(
        FILE[["dataset", "model"]].itertuples(index=False, name=None)
    )
    for dataset, network in PANELS:
        assert dataset in DATASETS and network in NETWORKS
    assert set(FILE.method) <= METHOD_STYLES.keys()


@pytest.mark.parametrize(("dataset", "network"), PANELS)
def test_curves_are_the_files_rows_as_fractions(dataset: str, network: str) -> None:
    found = published.accuracy(dataset, network, 1.0, "paper", side(dataset))
    expected = [
        (row.method, row.sigma_d, row.accuracy_percent / 100)
        for row in FILE.itertuples()
        if (row.dataset, row.model) == (PANELS[dataset, network], network)
        and row.accuracy_percent == row.accuracy_percent  # not NaN
    ]
    assert list(found.itertuples(index=False, name=None)) == expected


def test_points_below_the_figures_axes_are_left_out() -> None:
    found = [published.accuracy(*panel, 1.0, "paper", side(panel[0])) for panel in PANELS]
    assert sum(map(len, found)) == 270 - 19
    noise_free = found[0][found[0].method == "noise_free"]
    assert noise_free.sigma_d.tolist() == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]
    assert all(table.accuracy.between(0, 1).all() for table in found)


@pytest.mark.parametrize(
    "run",
    [
        ("mnist5k", "lenet5", 1.0, "paper", 32),
        ("mnist", "vgg8", 0.5, "paper", 32),
        ("cifar100", "vgg8", 1.0, "paper", 32),
        ("mnist", "vgg8", 1.0, "torch", 32),
        ("mnist", "vgg8", 1.0, "paper", 16),
    ],
)
def test_other_runs_have_no_published_curves(run: tuple[str, str, float, str, int]) -> None:
    found = published.accuracy(*run)
    assert found.empty
    assert list(found.columns) == ["method", "sigma_d", "accuracy"]


def test_the_source_travels_with_the_table() -> None:
    readme = (published.ACCURACY.parent / "README.md").read_text()
    for word in ("arXiv 2305.14561", "YifanQin-ND/NeFT_CIM", "c86c8ad", *FILE.columns):
        assert word in readme
