"""The paper's benchmarks run as their parameter files say, here for two steps at tiny size."""

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.datasets import draw, write

from neft.data import datasets
from neft.devices import PRESETS
from neft.evaluation import Condition, evaluate_grid, trained_networks
from neft.pipeline import parameters
from neft.training import Benchmark, build_method, train_grid, trials

BENCHMARKS = sorted((Path(__file__).parents[2] / "params").glob("*_*.yaml"))


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmark_takes_two_steps_with_every_method(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")  # other processes would not know the small data
    run = parameters.load(path)
    name, hardware = run.dataset.name, run.hardware.on(PRESETS[run.hardware.preset])
    write(name, tmp_path, draw(name), monkeypatch)
    images = len(datasets.load(name, tmp_path).train)
    half = -(-images // 2)
    schedule = replace(run.training.schedule, epochs=1, batch_size=half, validation_chips=1)
    benchmark = Benchmark(name, run.network.name, 0.02, tmp_path)
    largest, seed = run.training.sigma_d[-1:], run.training.seeds[:1]
    planned = [
        trial
        for key, settings in run.methods.items()
        for trial in trials(
            key, build_method(key, settings), hardware, largest, seed, tmp_path / "runs", f"{key},"
        )
    ]
    history = train_grid(planned, benchmark, schedule)
    assert set(history.method) == run.methods.keys()
    assert history.train_loss.between(0, float("inf"), inclusive="neither").all()
    draws = evaluate_grid(
        trained_networks(tmp_path / "runs"), [Condition(hardware)], chips=2,
        batch_size=run.montecarlo.batch_size, dataset_folder=tmp_path,
    ).draws  # fmt: skip
    assert set(draws.method) == run.methods.keys()
    assert draws.accuracy.between(0, 1).all()
    assert draws.trained_sigma_d.unique().tolist() == [0.4]
