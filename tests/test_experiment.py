"""Laws of the grids: what is trained and tested, kept and continued."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from neft import checkpoints, datasets, experiment, models
from neft.baselines import NoiseInjection
from neft.datasets import Splits
from neft.hardware import Hardware
from neft.method import Method
from neft.presets import PRESETS
from neft.snapshots import IRS
from neft.training import Schedule

HARDWARE = Hardware(PRESETS["RRAM1"])


@pytest.fixture(autouse=True)
def one_process(monkeypatch, tiny: Splits) -> None:
    """Tasks run here, on the tiny data, which other processes would not know."""
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.setitem(datasets.DATASETS, "tiny", lambda folder: tiny)


def train_grid(folder: Path, method: Method | None = None, **settings) -> pd.DataFrame:
    grid = {"sigma_d": [0.1, 0.3], "seeds": [0, 1], **settings}
    return experiment.train_grid(
        "mine",
        method or NoiseInjection(),
        hardware=HARDWARE,
        dataset="tiny",
        network="lenet5",
        width=0.5,
        schedule=Schedule(epochs=2, batch_size=32, validation_chips=1),
        folder=folder,
        **grid,
    )


def evaluate_grid(folder: Path, **settings) -> pd.DataFrame:
    return experiment.evaluate_grid(folder, hardware=[HARDWARE], chips=3, batch_size=10, **settings)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_point_of_the_grid_is_trained_and_tested(tmp_path: Path) -> None:
    history = train_grid(tmp_path)
    draws = evaluate_grid(tmp_path)
    points = {(0.1, 0), (0.1, 1), (0.3, 0), (0.3, 1)}
    assert set(zip(history.sigma_d, history.seed, strict=True)) == points
    assert set(zip(draws.sigma_d, draws.seed, strict=True)) == points
    assert len(draws) == 4 * 3
    assert set(history.method) == set(draws.method) == {"mine"}


def test_every_network_meets_every_hardware(tmp_path: Path) -> None:
    train_grid(tmp_path, sigma_d=[0.3])
    pair = replace(HARDWARE, mapping="differential")
    settings = {"chips": 3, "batch_size": 10}
    both = experiment.evaluate_grid(tmp_path, hardware=[HARDWARE, pair], **settings)
    for made in (HARDWARE, pair):
        alone = experiment.evaluate_grid(tmp_path, hardware=[made], **settings)
        rows = both[both.mapping == made.mapping].reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, alone, check_exact=True)


def test_at_their_measured_size_chips_do_not_ask_what_a_network_was_trained_for(
    tmp_path: Path,
) -> None:
    train_grid(tmp_path)
    fit = Hardware(PRESETS["RRAM_Milo"])
    draws = experiment.evaluate_grid(
        tmp_path, hardware=[fit], chips=3, batch_size=10, measured_size=True
    )
    assert set(draws.trained_sigma_d) == {0.1, 0.3}
    assert set(draws.sigma_d) == {fit.variation.sigma_d_measured}


def test_data_are_looked_for_where_each_grid_is_told(
    tmp_path: Path, monkeypatch, tiny: Splits
) -> None:
    asked: list[Path] = []
    monkeypatch.setitem(datasets.DATASETS, "tiny", lambda folder: asked.append(folder) or tiny)
    train_grid(tmp_path / "runs", dataset_folder=tmp_path / "here")
    evaluate_grid(tmp_path / "runs", dataset_folder=tmp_path / "there")
    assert asked == [tmp_path / "here", tmp_path / "there"]


def test_a_run_does_not_depend_on_the_rest_of_the_grid(tmp_path: Path) -> None:
    train_grid(tmp_path / "all")
    train_grid(tmp_path / "one", sigma_d=[0.3], seeds=[1])
    ((name, alone),) = contents(tmp_path / "one").items()
    assert contents(tmp_path / "all")[name] == alone


def test_mixed_precision_reaches_the_training(tmp_path: Path) -> None:
    settings = {"sigma_d": [0.1], "seeds": [0]}
    plain = train_grid(tmp_path / "plain", **settings)
    mixed = train_grid(tmp_path / "mixed", mixed_precision=True, **settings)
    assert plain.train_loss.tolist() != mixed.train_loss.tolist()


def test_killed_grid_continues_to_the_same_bits(tmp_path: Path, monkeypatch) -> None:
    whole = train_grid(tmp_path / "whole")
    losses = [0]
    original = NoiseInjection.loss

    def killed(*arguments) -> torch.Tensor:
        losses[0] += 1
        if losses[0] > 10:  # 2 epochs of 3 steps: in the second run's second epoch
            raise KeyboardInterrupt
        return original(*arguments)

    scratch = tmp_path / "scratch"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(NoiseInjection, "loss", killed)
        train_grid(tmp_path / "again", scratch=scratch)
    assert len(list(scratch.iterdir())) == 2
    again = train_grid(tmp_path / "again", scratch=scratch)
    pd.testing.assert_frame_equal(whole, again, check_exact=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "again")
    assert not scratch.exists()


def test_killed_evaluation_continues_to_the_same_draws(tmp_path: Path, monkeypatch) -> None:
    train_grid(tmp_path / "runs")
    whole = evaluate_grid(tmp_path / "runs")
    original, calls = experiment.accuracy_over_chips, [0]

    def counted(*arguments, **settings) -> torch.Tensor:
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        return original(*arguments, **settings)

    monkeypatch.setattr(experiment, "accuracy_over_chips", counted)
    with pytest.raises(KeyboardInterrupt):
        evaluate_grid(tmp_path / "runs", scratch=tmp_path / "scratch")
    again = evaluate_grid(tmp_path / "runs", scratch=tmp_path / "scratch")
    assert calls[0] == 3 + 2  # the two finished networks were not tested again
    pd.testing.assert_frame_equal(whole, again, check_exact=True)
    assert not (tmp_path / "scratch").exists()


def test_saved_network_is_the_inference_model_without_irs_heads(tmp_path: Path) -> None:
    train_grid(tmp_path, IRS(beta=0.1, hidden=8), sigma_d=[0.1], seeds=[0])
    tensors, _ = checkpoints.load(next(tmp_path.iterdir()))
    plain = models.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    shapes = {name: tensor.shape for name, tensor in plain.state_dict().items()}
    assert {name: tensor.shape for name, tensor in tensors.items()} == shapes


def test_trained_network_comes_back_with_what_it_is(tmp_path: Path) -> None:
    train_grid(tmp_path, sigma_d=[0.1], seeds=[7])
    network, header = experiment.load_trained(next(tmp_path.iterdir()))
    assert not network.training
    assert header["sigma_d"] == 0.1
    assert header["seed"] == 7
    assert header["network"] == {"name": "lenet5", "classes": 3, "channels": 1, "width": 0.5}


def test_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    checkpoints.save(tmp_path / "other.safetensors", {"a": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"other\.safetensors: not a trained network"):
        experiment.load_trained(tmp_path / "other.safetensors")


def test_folder_without_networks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must hold trained networks"):
        evaluate_grid(tmp_path)
