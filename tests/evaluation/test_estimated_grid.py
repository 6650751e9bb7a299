"""Laws of the estimates of a folder of networks."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pytest
from helpers.training import HARDWARE, kill_third_call, train_tiny_grid

from neft.data.datasets import Splits
from neft.evaluation import (
    estimate_accuracy,
    estimate_grid,
    estimated_grid,
    load_trained,
    trained_networks,
)

pytestmark = pytest.mark.usefixtures("one_process")


def estimate(folder: Path, **settings) -> pd.DataFrame:
    return estimate_grid(trained_networks(folder), HARDWARE, half_width=0.05, **settings)


def test_every_network_is_estimated_as_alone(tmp_path: Path, tiny: Splits) -> None:
    train_tiny_grid(tmp_path)
    table = estimate(tmp_path)
    assert len(table) == 4
    for path, row in zip(trained_networks(tmp_path), table.to_dict("records"), strict=True):
        network, header = load_trained(path)
        alone = estimate_accuracy(
            network, tiny.test, HARDWARE, header["sigma_d"], key="test", half_width=0.05
        )
        assert {name: row[name] for name in asdict(alone)} == asdict(alone)
        assert (row["method"], row["seed"]) == ("mine", header["seed"])
        assert row["sigma_d"] == row["trained_sigma_d"] == header["sigma_d"]


def test_killed_estimates_continue_to_the_same_table(tmp_path: Path, monkeypatch) -> None:
    train_tiny_grid(tmp_path / "runs")
    whole = estimate(tmp_path / "runs")
    calls = kill_third_call(monkeypatch, estimated_grid, "estimate_accuracy")
    with pytest.raises(KeyboardInterrupt):
        estimate(tmp_path / "runs", scratch=tmp_path / "scratch")
    again = estimate(tmp_path / "runs", scratch=tmp_path / "scratch")
    assert calls[0] == 3 + 2  # the two finished networks were not tested again
    pd.testing.assert_frame_equal(whole, again, check_exact=True)
