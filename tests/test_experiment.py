"""Laws of the grid of trainings: what is trained, kept and continued."""

from pathlib import Path

import pandas as pd
import pytest
import torch

from neft import checkpoints, datasets, evaluation, experiment, models
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


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_point_of_the_grid_is_trained(tmp_path: Path) -> None:
    history = train_grid(tmp_path)
    points = {(0.1, 0), (0.1, 1), (0.3, 0), (0.3, 1)}
    assert set(zip(history.sigma_d, history.seed, strict=True)) == points
    assert set(history.method) == {"mine"}


def test_brief_training_is_the_grid_by_noise_injection(tmp_path: Path) -> None:
    about = {"hardware": HARDWARE, "dataset": "tiny", "sigma_d": [0.3]}
    folder = experiment.train_briefly(tmp_path / "brief", dataset_folder=tmp_path, **about)
    experiment.train_grid(
        "noise_injection", NoiseInjection(), network="lenet5", width=1.0, seeds=[0],
        schedule=Schedule(epochs=3), folder=tmp_path / "grid", **about,
    )  # fmt: skip
    assert contents(folder) == contents(tmp_path / "grid") != {}


def test_data_are_looked_for_where_each_grid_is_told(
    tmp_path: Path, monkeypatch, tiny: Splits
) -> None:
    asked: list[Path] = []
    monkeypatch.setitem(datasets.DATASETS, "tiny", lambda folder: asked.append(folder) or tiny)
    train_grid(tmp_path / "runs", dataset_folder=tmp_path / "here")
    evaluation.evaluate_grid(
        tmp_path / "runs", hardware=[HARDWARE], chips=1, batch_size=10,
        dataset_folder=tmp_path / "there",
    )  # fmt: skip
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


def test_saved_network_is_the_inference_model_without_irs_heads(tmp_path: Path) -> None:
    train_grid(tmp_path, IRS(beta=0.1, hidden=8), sigma_d=[0.1], seeds=[0])
    tensors, _ = checkpoints.load(next(tmp_path.iterdir()))
    plain = models.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    shapes = {name: tensor.shape for name, tensor in plain.state_dict().items()}
    assert {name: tensor.shape for name, tensor in tensors.items()} == shapes
