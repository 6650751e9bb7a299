"""The published curves equal the file's rows, under our names."""

from itertools import product

import numpy as np
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


def test_every_panel_maps_to_our_names() -> None:
    assert {(name, network) for (_, network), name in PANELS.items()} == set(
        FILE[["dataset", "model"]].itertuples(index=False, name=None)
    )
    for dataset, network in PANELS:
        assert dataset in DATASETS and network in NETWORKS
    assert set(FILE.method) <= METHOD_STYLES.keys()


@pytest.mark.parametrize(("dataset", "network"), PANELS)
def test_curves_are_the_files_rows_as_fractions(dataset: str, network: str) -> None:
    found = published.accuracy(dataset, network)
    expected = [
        (row.method, row.sigma_d, row.accuracy_percent / 100)
        for row in FILE.itertuples()
        if (row.dataset, row.model) == (PANELS[dataset, network], network)
        and row.accuracy_percent == row.accuracy_percent  # not NaN
    ]
    assert list(found.itertuples(index=False, name=None)) == expected


def test_points_below_the_figures_axes_are_left_out() -> None:
    found = [published.accuracy(*panel) for panel in PANELS]
    assert sum(map(len, found)) == 270 - 19
    noise_free = found[0][found[0].method == "noise_free"]
    assert noise_free.sigma_d.tolist() == [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]
    assert all(table.accuracy.between(0, 1).all() for table in found)


@pytest.mark.parametrize("run", [("mnist5k", "vgg8"), ("mnist", "lenet5"), ("cifar100", "vgg8")])
def test_other_runs_have_no_published_curves(run: tuple[str, str]) -> None:
    found = published.accuracy(*run)
    assert found.empty
    assert list(found.columns) == ["method", "sigma_d", "accuracy"]


def drawn(seeds: int = 3, **accuracies: float) -> pd.DataFrame:
    """Draws of methods at sigma_d 0.1, each with this mean and the same small spread."""
    draw = np.random.default_rng(0)
    pairs = product(range(seeds), range(20))
    common = {pair: draw.normal(0, 0.01) for pair in pairs}  # cancels within a pair
    return pd.DataFrame(
        [method, 0.1, *pair, mean + common[pair] + draw.normal(0, 0.001)]
        for method, mean in accuracies.items()
        for pair in common
    ).set_axis(["method", "sigma_d", "seed", "chip", "accuracy"], axis=1)


CURVES = pd.DataFrame(
    [
        *[["noise_injection", sigma, 0.9] for sigma in (0.1, 0.2)],
        *[["ovf", sigma, 0.95] for sigma in (0.1, 0.2)],
        *[["irs", 0.1, 0.9501], ["correctnet", 0.2, 0.5]],
    ],
    columns=["method", "sigma_d", "accuracy"],
)


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [(0.6, "holds"), (0.4, "reversed"), (0.5, "no significant difference")],
)
def test_an_ordering_has_the_verdict_of_our_paired_interval(mean: float, verdict: str) -> None:
    draws = drawn(mine=0.5, ovf=mean)
    (row,) = published.orderings(
        CURVES, draws, {"noise_injection": "mine", "ovf": "ovf"}
    ).itertuples()
    assert (row.method, row.against, row.sigma_d) == ("ovf", "noise_injection", 0.1)
    assert row.published == pytest.approx(0.05)
    assert row.difference == pytest.approx(mean - 0.5, abs=0.001)
    assert row.verdict == verdict
    opposite = CURVES.assign(accuracy=1 - CURVES.accuracy)
    (row,) = published.orderings(
        opposite, draws, {"noise_injection": "mine", "ovf": "ovf"}
    ).itertuples()
    assert row.verdict == {"holds": "reversed", "reversed": "holds"}.get(verdict, verdict)


def test_pairs_that_the_paper_does_not_order_have_no_verdict() -> None:
    """OVF and IRS are within the rounding; CorrectNet has no point at sigma_d 0.1."""
    methods = ["noise_injection", "ovf", "irs", "correctnet"]
    found = published.orderings(
        CURVES, drawn(**dict.fromkeys(methods, 0.5)), {each: each for each in methods}
    )
    pairs = set(zip(found.method, found.against, strict=True))
    assert pairs == {("ovf", "noise_injection"), ("irs", "noise_injection")}


def test_one_seed_decides_no_ordering_and_no_common_method_gives_no_rows() -> None:
    own = {"noise_injection": "noise_injection", "ovf": "ovf"}
    found = published.orderings(CURVES, drawn(1, noise_injection=0.5, ovf=0.6), own)
    assert found.verdict.tolist() == ["one seed"]
    none = published.orderings(CURVES, drawn(mine=0.5), {"mine": "mine"})
    assert none.empty
    assert list(none.columns) == list(found.columns)


def test_the_source_travels_with_the_table() -> None:
    readme = (published.ACCURACY.parent / "README.md").read_text()
    for word in ("arXiv 2305.14561", "YifanQin-ND/NeFT_CIM", "c86c8ad", *FILE.columns):
        assert word in readme
