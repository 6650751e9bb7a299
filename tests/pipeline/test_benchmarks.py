"""The paper's benchmarks run as their parameter files say, here for two steps at tiny size."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.datasets import draw, write

from neft.data import datasets
from neft.devices.presets import PRESETS
from neft.evaluation.grid import evaluate_grid
from neft.pipeline import parameters
from neft.training.grid import train_grid
from neft.training.settings import build_method

BENCHMARKS = sorted((Path(__file__).parents[2] / "params").glob("*_*.yaml"))


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmark_takes_two_steps_with_every_method(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = parameters.load(path)
    name, hardware = run.dataset.name, run.hardware.on(PRESETS[run.hardware.preset])
    write(name, tmp_path, draw(name), monkeypatch)
    images = len(datasets.load(name, tmp_path).train)
    half = -(-images // 2)
    schedule = replace(run.training.schedule, epochs=1, batch_size=half, validation_chips=1)
    for method, settings in run.methods.items():
        history = train_grid(
            method,
            build_method(method, settings),
            hardware=hardware,
            dataset=name,
            network=run.network.name,
            width=0.02,
            sigma_d=run.training.sigma_d[-1:],
            seeds=run.training.seeds[:1],
            schedule=schedule,
            folder=tmp_path / method,
            dataset_folder=tmp_path,
        )
        assert 0 < history.train_loss.item() < float("inf")
        draws = evaluate_grid(
            tmp_path / method,
            hardware=[hardware],
            chips=2,
            batch_size=run.montecarlo.batch_size,
            dataset_folder=tmp_path,
        ).draws
        assert draws.accuracy.between(0, 1).all()
        assert draws.trained_sigma_d.unique().tolist() == [0.4]
