"""Laws of the evaluation of a folder of networks: what is tested, kept and continued."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.training import HARDWARE, train_tiny_grid

from neft._utils import checkpoints
from neft.chip.hardware import Hardware
from neft.chip.monte_carlo import accuracy_over_chips, logits_over_chips
from neft.chip.programming import program
from neft.data.datasets import Splits
from neft.devices.presets import PRESETS
from neft.evaluation import grid as evaluation_grid
from neft.evaluation.deployment import Deployment
from neft.evaluation.uncertainty import OverChips

pytestmark = pytest.mark.usefixtures("one_process")


def evaluate_grid(folder: Path, **settings) -> evaluation_grid.Evaluation:
    return evaluation_grid.evaluate_grid(
        folder, hardware=[HARDWARE], chips=3, batch_size=10, **settings
    )


def test_every_network_is_tested_on_every_chip(tmp_path: Path, tiny: Splits) -> None:
    train_tiny_grid(tmp_path)
    draws, uncertainty = evaluate_grid(tmp_path)
    assert len(draws) == 4 * 3
    assert len(uncertainty) == 4
    assert set(draws.method) == set(uncertainty.method) == {"mine"}
    for path in tmp_path.iterdir():
        network, header = evaluation_grid.load_trained(path)
        about = HARDWARE, header["sigma_d"]
        settings = {"chips": 3, "key": "test", "batch_size": 10}
        same = (draws.sigma_d == header["sigma_d"]) & (draws.seed == header["seed"])
        expected = accuracy_over_chips(network, tiny.test, *about, **settings)
        assert draws.accuracy[same].tolist() == expected.tolist()
        over = OverChips(tiny.test.tensors[1])
        for logits in logits_over_chips(network, tiny.test.tensors[0], *about, **settings):
            over.add(logits)
        same = (uncertainty.sigma_d == header["sigma_d"]) & (uncertainty.seed == header["seed"])
        ((_, row),) = uncertainty[same].iterrows()
        assert row[list(over.summary())].to_dict() == over.summary()


def test_every_network_meets_every_hardware(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path, sigma_d=[0.3])
    pair = replace(HARDWARE, mapping="differential")
    settings = {"chips": 3, "batch_size": 10}
    both = evaluation_grid.evaluate_grid(tmp_path, hardware=[HARDWARE, pair], **settings).draws
    for made in (HARDWARE, pair):
        alone = evaluation_grid.evaluate_grid(tmp_path, hardware=[made], **settings).draws
        rows = both[both.mapping == made.mapping].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone, check_exact=True)


def test_at_their_measured_size_chips_do_not_ask_what_a_network_was_trained_for(
    tmp_path: Path,
) -> None:
    train_tiny_grid(tmp_path)
    fit = Hardware(PRESETS["RRAM_Milo"])
    found = evaluation_grid.evaluate_grid(
        tmp_path, hardware=[fit], chips=3, batch_size=10, measured_size=True
    )
    draws = found.draws
    assert set(draws.trained_sigma_d) == {0.1, 0.3}
    assert set(draws.sigma_d) == {fit.variation.sigma_d_measured}


def test_chips_may_have_another_sigma_d_than_the_training_s(tmp_path: Path, tiny: Splits) -> None:
    """Where it is the training's, the draws are those of the plain evaluation, bit for bit."""
    train_tiny_grid(tmp_path)
    plain = evaluate_grid(tmp_path)
    matrix = evaluate_grid(tmp_path, sigma_d=[0.0, 0.1, 0.3])
    for found, expected in zip(matrix, plain, strict=True):
        own = found[found.sigma_d == found.trained_sigma_d].reset_index(drop=True)
        pd.testing.assert_frame_equal(own, expected, check_exact=True)
    assert len(matrix.draws) == 3 * len(plain.draws)
    network, _ = evaluation_grid.load_trained(tmp_path / "sigma_d=0.1,seed=1.safetensors")
    expected = accuracy_over_chips(
        network, tiny.test, HARDWARE, 0.3, chips=3, key="test", batch_size=10
    )
    rows = matrix.draws[(matrix.draws.seed == 1) & (matrix.draws.trained_sigma_d == 0.1)]
    assert rows[rows.sigma_d == 0.3].accuracy.tolist() == expected.tolist()


def test_chips_have_one_size_at_a_time(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path, sigma_d=[0.1], seeds=[0])
    with pytest.raises(ValueError, match=r"sigma_d must be None with measured_size, got \[0.1\]"):
        evaluate_grid(tmp_path, sigma_d=[0.1], measured_size=True)


def test_networks_of_some_sigma_d_are_tested_as_among_all(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path)
    every = evaluate_grid(tmp_path).draws
    some = evaluate_grid(tmp_path, trained_sigma_d=[0.3]).draws
    expected = every[every.trained_sigma_d == 0.3].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected, check_exact=True)
    with pytest.raises(ValueError, match=r"must hold networks for sigma_d 0\.2, 0\.5, found none"):
        evaluate_grid(tmp_path, trained_sigma_d=[0.2, 0.5])


@dataclass(frozen=True)
class Scaled(Deployment):
    """Multiplies sigma_d, and looks at what it is given."""

    factor: float

    def prepare(self, network, train, *, where=None):
        assert len(train) == 96  # the training part's size, and no other's

        def deploy(network, hardware, sigma_d, **others):
            return program(network, hardware, self.factor * sigma_d, **others)

        return deploy


def test_a_deployment_sees_the_training_part_and_takes_the_place_of_programming(
    tmp_path: Path, one_process
) -> None:
    train_tiny_grid(tmp_path, sigma_d=[0.3])
    plain, same, other = (
        evaluate_grid(tmp_path, deployment=each).draws for each in (None, Scaled(1.0), Scaled(3.0))
    )
    pd.testing.assert_frame_equal(same, plain, check_exact=True)
    assert list(other.columns) == list(plain.columns)
    assert not other.accuracy.equals(plain.accuracy)


def test_what_is_kept_of_one_deployment_is_not_taken_for_another(
    tmp_path: Path, monkeypatch
) -> None:
    train_tiny_grid(tmp_path / "runs", sigma_d=[0.3])
    monkeypatch.setattr(evaluation_grid.shutil, "rmtree", lambda folder: None)
    settings = {"scratch": tmp_path / "scratch"}
    found = [
        evaluate_grid(tmp_path / "runs", deployment=each, **settings).draws
        for each in (Scaled(1.0), Scaled(3.0), Scaled(1.0))
    ]
    assert not found[0].accuracy.equals(found[1].accuracy)
    pd.testing.assert_frame_equal(found[0], found[2], check_exact=True)


def test_killed_evaluation_continues_to_the_same_draws(tmp_path: Path, monkeypatch) -> None:
    train_tiny_grid(tmp_path / "runs")
    whole = evaluate_grid(tmp_path / "runs")
    original, calls = evaluation_grid.logits_over_chips, [0]

    def counted(*arguments, **settings) -> Iterator[torch.Tensor]:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return original(*arguments, **settings)

    monkeypatch.setattr(evaluation_grid, "logits_over_chips", counted)
    with pytest.raises(KeyboardInterrupt):
        evaluate_grid(tmp_path / "runs", scratch=tmp_path / "scratch")
    again = evaluate_grid(tmp_path / "runs", scratch=tmp_path / "scratch")
    assert calls[0] == 3 + 2  # the two finished networks were not tested again
    for before, after in zip(whole, again, strict=True):
        pd.testing.assert_frame_equal(before, after, check_exact=True)
    assert not (tmp_path / "scratch").exists()


def test_trained_network_comes_back_with_what_it_is(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path, sigma_d=[0.1], seeds=[7])
    network, header = evaluation_grid.load_trained(next(tmp_path.iterdir()))
    assert not network.training
    assert header["sigma_d"] == 0.1
    assert header["seed"] == 7
    assert header["network"] == {"name": "lenet5", "classes": 3, "channels": 1, "width": 0.5}


def test_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "other.safetensors", {"a": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"other\.safetensors: not a trained network"):
        evaluation_grid.load_trained(tmp_path / "other.safetensors")


def test_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold trained networks"):
        evaluate_grid(tmp_path)
