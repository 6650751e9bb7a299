"""The paper's benchmarks take two steps at tiny size; the comparison with peers runs, tiny too."""

from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import torch
from helpers.datasets import draw, write

from neft.data import datasets
from neft.devices import PRESETS
from neft.evaluation import Condition, evaluate_grid, trained_networks
from neft.pipeline import parameters
from neft.training import Benchmark, build_method, train_grid, trials

ROOT = Path(__file__).parents[2]
BENCHMARKS = sorted((ROOT / "params").glob("*_*.yaml"))


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
    benchmark = Benchmark(replace(run.dataset.source, folder=tmp_path), run.network.name, 0.02)
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
        dataset_folder=tmp_path,
    ).draws  # fmt: skip
    assert set(draws.method) == run.methods.keys()
    assert draws.accuracy.between(0, 1).all()
    assert draws.trained_sigma_d.unique().tolist() == [0.4]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the scripts of benchmarks/ importable, as they are for one another."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")


def test_peers_are_compared_part_by_part(scripts: None, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = "--width 0.125 --batch 4 --images 8 --pass-batch 4 --rounds 1 --epochs 1"
    import_module("peers").main([*sizes.split(), "--half-width", "0.1"])
    printed = capsys.readouterr().out
    contenders = import_module("contenders")
    case = import_module("cases").Case()
    whole = import_module("whole_chip").whole_chips(case)
    for name in (*contenders.steps(case), *contenders.passes(case), *whole):
        assert f"\n{name} " in printed
    assert printed.count("its folder was not given (--neft-cim PATH)") == 5
    rows = [line.split() for line in printed.splitlines() if line.startswith(contenders.PLAIN)]
    assert [row[3:6] for row in rows] == [["1.00", "1.00-1.00", "1.00"]] * 4 + [["1.00"]]
    for name in import_module("growth").sweeps(case):
        assert f"\n{name} " in printed
    assert "\n1,000 chips, 10,000 images each" in printed


def test_peers_refuse_a_folder_without_the_papers_code(
    scripts: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        import_module("peers").main(["--neft-cim", str(tmp_path)])
    assert f"models/vgg8.py, got {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize("workers", [1, 3, 8, 512])
def test_free_workers_take_the_next_task(workers: int, scripts: None) -> None:
    seconds = [3, 1, 4, 1, 5, 9, 2, 6] * 5
    ends, waiting, clock = [], list(seconds), 0  # second by second
    while waiting or ends:
        ends = [end for end in ends if end > clock]
        while waiting and len(ends) < workers:
            ends.append(clock + waiting.pop(0))
        clock += bool(ends)
    assert import_module("cluster").makespan(seconds, workers) == clock


def test_scaling_is_computed_for_the_six_benchmarks(
    scripts: None, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster, day = import_module("cluster"), 24 * 3600
    cluster.print_scaling(cluster.BENCHMARKS, lambda run, name: 4.0 if name == "ovf" else 1.0)
    rows = {row.split()[0]: row.split()[1:] for row in capsys.readouterr().out.splitlines()[3:]}
    assert len(rows) == 6
    # 422 steps an epoch; 45 trainings of each of ten methods, one of which takes four times as long
    *counted, _, _, fastest = rows["vgg8_mnist"]
    days, longest = 45 * 13 * 200 * 422 / day, 4 * 200 * 422 / day
    assert counted == ["450", f"{days:.0f}", f"{longest:.0f}", "7.5", "45", "45"]
    assert fastest == f"{45 * 13 / 4:.3g}"


def test_rounds_call_in_turn_and_the_unit_is_one(scripts: None) -> None:
    measure, made = import_module("measure"), []
    times = measure.rounds({"a": partial(made.append, "a"), "b": partial(made.append, "b")}, 2)
    assert made == ["a", "b"] * 3
    assert [len(own) for own in times.values()] == [2, 2]
    assert measure.multiples(times, "b")["b"].tolist() == [1, 1, 1]


def test_contenders_have_processes_of_their_own_and_their_peak_is_measured(scripts: None) -> None:
    found = import_module("own_process").in_turn({"ones": ONES}, 3, calls=2, title="")
    assert len(found.seconds["ones"]) == 3
    assert found.peaks["ones"] / 2**20 == pytest.approx(64, abs=4)


ONES = partial(partial, torch.ones, 2**24)  # builds a call that fills 64 MiB
