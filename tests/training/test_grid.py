"""Laws of the grid of trainings: what is trained, kept and continued."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.training import BRIEF, HARDWARE, TINY, contents, train_tiny_grid
from torch.utils.data import TensorDataset

from neft import networks
from neft._utils import checkpoints
from neft._utils.parallel import Machine
from neft.data import datasets
from neft.data.datasets import Source, Splits
from neft.devices import PRESETS
from neft.evaluation import Condition, evaluate_grid, load_trained, trained_networks
from neft.training import (
    IRS,
    Benchmark,
    NoiseInjection,
    ScaledLogits,
    Schedule,
    Trial,
    train_grid,
    trials,
)
from neft.training import grid as training_grid

pytestmark = pytest.mark.usefixtures("one_process")


def test_every_point_of_the_grid_is_trained(tmp_path: Path) -> None:
    history = train_tiny_grid(tmp_path)
    points = {(0.1, 0), (0.1, 1), (0.3, 0), (0.3, 1)}
    assert set(zip(history.sigma_d, history.seed, strict=True)) == points
    assert set(history.method) == {"mine"}


def test_brief_training_is_the_grid_by_noise_injection(tmp_path: Path) -> None:
    about = {"hardware": HARDWARE, "data": Source("tiny"), "sigma_d": [0.3]}
    folder = training_grid.train_briefly(tmp_path / "brief", **about)
    planned = trials("noise_injection", NoiseInjection(), HARDWARE, [0.3], [0], tmp_path / "grid")
    train_grid(planned, Benchmark(Source("tiny"), "lenet5"), Schedule(epochs=3))
    assert contents(folder) == contents(tmp_path / "grid") != {}


def test_data_are_looked_for_where_each_grid_is_told(
    tmp_path: Path, monkeypatch, tiny: Splits
) -> None:
    asked: list[Path] = []
    monkeypatch.setitem(datasets.DATASETS, "tiny", lambda folder: asked.append(folder) or tiny)
    here = replace(TINY.data, folder=tmp_path / "here")
    train_tiny_grid(tmp_path, benchmark=replace(TINY, data=here))
    evaluate_grid(
        trained_networks(tmp_path), [Condition(HARDWARE)], chips=1,
        dataset_folder=tmp_path / "there",
    )  # fmt: skip
    assert asked == [tmp_path / "here", tmp_path / "there"]


def test_a_run_does_not_depend_on_the_rest_of_the_grid(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path / "all")
    train_tiny_grid(tmp_path / "one", sigma_d=[0.3], seeds=[1])
    ((name, alone),) = contents(tmp_path / "one").items()
    assert contents(tmp_path / "all")[name] == alone


def test_mixed_precision_reaches_the_training(tmp_path: Path) -> None:
    settings = {"sigma_d": [0.1], "seeds": [0]}
    plain = train_tiny_grid(tmp_path / "plain", **settings)
    machine = Machine(mixed_precision=True)
    mixed = train_tiny_grid(tmp_path / "mixed", machine=machine, **settings)
    assert plain.train_loss.tolist() != mixed.train_loss.tolist()


def test_killed_grid_continues_to_the_same_bits(tmp_path: Path, monkeypatch) -> None:
    whole = train_tiny_grid(tmp_path / "whole")
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
        train_tiny_grid(tmp_path / "again", scratch=scratch)
    assert len(list(scratch.iterdir())) == 2
    again = train_tiny_grid(tmp_path / "again", scratch=scratch)
    pd.testing.assert_frame_equal(whole, again, check_exact=True)
    assert contents(tmp_path / "whole") == contents(tmp_path / "again")


def planned(folder: Path) -> list[Trial]:
    """Two equal trials, and three that differ in one thing each."""
    first = Trial("mine", NoiseInjection(), HARDWARE, 0.1, 0, folder / "first")
    other = replace(HARDWARE, variation=PRESETS["RRAM4"])
    return [
        first,
        replace(first, path=folder / "equal"),
        replace(first, sigma_d=0.3, path=folder / "sigma_d"),
        replace(first, name="other", method=ScaledLogits(), path=folder / "method"),
        replace(first, hardware=other, path=folder / "hardware"),
    ]


def test_trials_are_those_that_one_would_run_one_by_one_but_equal_ones_are_trained_once(
    tmp_path: Path, monkeypatch
) -> None:
    trained, original = [], training_grid.train
    monkeypatch.setattr(
        training_grid, "train", lambda *a, **settings: trained.append(a) or original(*a, **settings)
    )
    history = train_grid(planned(tmp_path / "together"), TINY, BRIEF)
    assert len(trained) == 4
    assert len(history) == 4 * BRIEF.epochs
    for trial in planned(tmp_path / "alone"):
        train_grid([trial], TINY, BRIEF)
    files = contents(tmp_path / "together")
    assert files == contents(tmp_path / "alone")
    assert len(files) == 5 and files["first"] == files["equal"]
    _, header = load_trained(tmp_path / "together" / "method")
    assert header["method"] == "other"


def test_initial_weights_are_those_of_the_benchmark_and_kept_in_the_file(tmp_path: Path) -> None:
    settings = {"sigma_d": [0.1], "seeds": [0]}
    histories = {}
    for name in ("torch", "paper"):
        benchmark = replace(TINY, initialisation=name)
        histories[name] = train_tiny_grid(tmp_path / name, benchmark=benchmark, **settings)
        network, header = load_trained(next((tmp_path / name).iterdir()))
        assert header["network"]["initialisation"] == network.initialisation == name
    own = NoiseInjection(initialisation="paper")
    histories["method's"] = train_tiny_grid(tmp_path / "method's", own, **settings)
    losses = [history.train_loss.tolist() for history in histories.values()]
    assert losses[0] != losses[1] == losses[2], "a method's own stands above the benchmark's"


def test_networks_learn_and_are_tested_on_the_data_of_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Splits
) -> None:
    asked: list[int] = []

    def read(folder: Path, side: int = 32) -> Splits:
        asked.append(side)
        small = (TensorDataset(x[..., :side, :side], y) for x, y in (
            tiny.train.tensors, tiny.validation.tensors, tiny.test.tensors))  # fmt: skip
        return Splits(*small, classes=3)

    monkeypatch.setitem(datasets.DATASETS, "tiny", read)
    benchmark = replace(TINY, data=Source("tiny", side=16, training_images=40))
    train_tiny_grid(tmp_path, benchmark=benchmark, sigma_d=[0.1], seeds=[0])
    _, header = load_trained(next(tmp_path.iterdir()))
    assert header["dataset"] == {"name": "tiny", "side": 16, "training_images": 40}
    assert header["network"]["side"] == 16
    datasets._load.cache_clear()
    evaluate_grid(trained_networks(tmp_path), [Condition(HARDWARE)], chips=1)
    assert asked == [16, 16]


def test_saved_network_is_the_inference_model_without_irs_heads(tmp_path: Path) -> None:
    train_tiny_grid(tmp_path, IRS(beta=0.1, hidden=8), sigma_d=[0.1], seeds=[0])
    tensors, _ = checkpoints.load(next(tmp_path.iterdir()))
    plain = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    shapes = {name: tensor.shape for name, tensor in plain.state_dict().items()}
    assert {name: tensor.shape for name, tensor in tensors.items()} == shapes


def test_files_are_as_distinct_as_the_values_they_are_named_after(tmp_path: Path) -> None:
    sizes = [0.3, 0.30000001, 0.0, 1e-9]
    planned = trials("mine", NoiseInjection(), HARDWARE, sizes, [0], tmp_path)
    names = [trial.path.name for trial in planned]
    assert len(set(names)) == len(sizes)
    assert names[0] == "sigma_d=0.3,seed=0.safetensors"
