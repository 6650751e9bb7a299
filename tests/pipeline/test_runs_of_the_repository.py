"""The repository's runs are complete, and those named after the paper's benchmarks are these."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from neft.pipeline import parameters
from neft.training import METHODS, build_method

ROOT = Path(__file__).parents[2]
PARAMS = ROOT / "params.yaml"
RUNS = [PARAMS, *sorted((ROOT / "params").glob("*.yaml"))]
REDUCED = sorted((ROOT / "params").glob("*_*_reduced.yaml"))
BENCHMARKS = sorted({*(ROOT / "params").glob("*_*.yaml")} - {*REDUCED})


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_every_run_of_the_repository_is_complete(path: Path) -> None:
    run = parameters.load(path)
    sections = run.sections()
    assert sections.keys() >= {"variation", "methods", "training", *sections["studies"]}


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmarks_are_complete_and_as_large_as_the_papers(path: Path) -> None:
    network, dataset = path.stem.split("_", 1)
    run = parameters.load(path)
    assert (run.network.name, run.network.width, run.dataset.name) == (network, 1.0, dataset)
    assert run.network.initialisation == "paper"
    searched = {"recipe"}  # for the default run's network, data and devices
    assert run.methods.keys() >= parameters.load(PARAMS).methods.keys() - searched
    assert run.training.sigma_d == [round(0.05 * i, 2) for i in range(9)]
    assert (run.training.epochs, run.training.batch_size, run.montecarlo.chips) == (200, 128, 1000)


@pytest.mark.parametrize("path", REDUCED, ids=lambda path: path.stem)
def test_reduced_benchmarks_differ_from_the_papers_in_size_only(path: Path) -> None:
    full = parameters.load(path.with_stem(path.stem.removesuffix("_reduced")))
    run = parameters.load(path)
    assert run.hardware == full.hardware
    assert run.dataset.name == full.dataset.name
    assert (run.network.name, run.network.initialisation) == (full.network.name, "paper")
    assert set(run.training.sigma_d) <= set(full.training.sigma_d)
    assert len(run.training.sigma_d) >= 5 and len(run.training.seeds) >= 3
    assert run.montecarlo.chips >= 100
    same = ("batch_size", "learning_rate", "validation_chips")
    assert all(getattr(run.training, key) == getattr(full.training, key) for key in same)
    shared = run.methods.keys() & full.methods.keys()
    assert shared >= {"noise_free", "noise_injection", "scaled_logits", "ovf", "irs"}
    assert all(run.methods[key] == full.methods[key] for key in shared)
    built = {key: build_method(key, about) for key, about in run.methods.items()}
    for key in built.keys() & {f"{own}_torch_weights" for own in built}:
        own = built[key.removesuffix("_torch_weights")]
        assert built[key] == replace(own, initialisation="torch")


def test_the_run_of_all_methods_is_that_of_lenet5_but_for_its_size() -> None:
    lenet5, every = (parameters.load(ROOT / "params" / f"{n}.yaml") for n in ("lenet5", "methods"))
    same = {"seeds": lenet5.training.seeds}
    assert every.training.model_copy(update=same) == lenet5.training
    assert every.montecarlo.model_dump(exclude_unset=True) == {"chips": 50}
    for section in ("hardware", "dataset", "network", "variation"):
        assert getattr(every, section) == getattr(lenet5, section)
    assert every.methods.items() >= lenet5.methods.items()


def test_every_method_is_in_some_run() -> None:
    runs = map(parameters.load, RUNS)
    built = {type(build_method(*item)) for run in runs for item in run.methods.items()}
    assert built == set(METHODS.values())


def test_default_run_covers_enough_to_say_something() -> None:
    default = parameters.load(PARAMS)
    assert len(default.training.sigma_d) >= 3
    assert len(default.training.seeds) >= 3
    assert default.montecarlo.chips >= 50


def test_the_template_for_own_devices_is_what_its_first_lines_say() -> None:
    path = ROOT / "params" / "mine.yaml"
    run, text = parameters.load(path), path.read_text(encoding="utf-8")
    (command,) = re.findall(r"^#   (neft characterize .*)$", text, flags=re.MULTILINE)
    given = dict(zip(command.split()[3::2], command.split()[4::2], strict=True))
    assert given["--output"] == run.variation.folder
    assert [given["--technology"]] == [*run.variation.technologies]
    assert run.hardware.preset.startswith(given["--technology"])
    assert f"`{command}`" in (ROOT / "README.md").read_text(encoding="utf-8")
