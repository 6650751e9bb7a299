"""Every bad parameter file gives one line with file, key, rule and value."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from neft.pipeline import parameters
from neft.training import METHODS, OVF, build_method

ROOT = Path(__file__).parents[2]
PARAMS = ROOT / "params.yaml"
RUNS = [PARAMS, *sorted((ROOT / "params").glob("*.yaml"))]
BENCHMARKS = sorted((ROOT / "params").glob("*_*.yaml"))


def changed(path: str, value: Any) -> Callable[[dict], None]:
    def change(values: dict) -> None:
        *sections, key = path.split("/")
        for section in sections:
            values = values[section]
        values[key] = value

    return change


def without(path: str, key: str) -> Callable[[dict], None]:
    def change(values: dict) -> None:
        for section in path.split("/"):
            values = values[section]
        del values[key]

    return change


BAD = [
    (changed("training/sigma_d", [0.1, -0.1]), "training.sigma_d.1: .* 0, got -0.1"),
    (changed("training/sigma_d", []), "training.sigma_d: .*at least 1 item.*got \\[\\]"),
    (changed("training/sigma_d", [0.1, 0.1]), "training.sigma_d: .*distinct, got"),
    (changed("training/sigma_d", [float("nan")]), "training.sigma_d.0: .*finite.*got nan"),
    (changed("training/seeds", []), "training.seeds: .*at least 1 item.*got \\[\\]"),
    (changed("training/seeds", [1, -1]), "training.seeds.1: .*got -1"),
    (changed("training/epochs", 0), "training.epochs: .*1, got 0"),
    (changed("training/epochs", "many"), "training.epochs: .*integer.*got 'many'"),
    (changed("training/learning_rate", 0), "training.learning_rate: .*0, got 0"),
    (changed("training/epoch", 3), "training.epoch: unknown key, got 3"),
    (without("training", "epochs"), "training.epochs: missing key"),
    (changed("trainng", {}), "trainng: unknown key"),
    (changed("hardware/preset", "RRAM9"), "hardware.preset must be one of RRAM1, .*'RRAM9'"),
    (changed("hardware/device_bits", 3), "device_bits must divide weight_bits \\(8\\), got 3"),
    (changed("hardware/mapping", "pair"), "hardware: mapping must be one of .*got 'pair'"),
    (changed("hardware/stuck_low", 0.1), "hardware: mapping must be device-level .*got 'weight'"),
    (changed("hardware/stuck_high", -1), "hardware: stuck_high must be in .*got -1"),
    (changed("dataset/name", "svhn"), "dataset.name must be one of mnist5k, .*got 'svhn'"),
    (without("dataset", "folder"), "dataset.folder: missing key"),
    (changed("network/name", "vgg9"), "network.name must be one of lenet5, .*, got 'vgg9'"),
    (changed("network/width", -1), "network.width: .*0, got -1"),
    (changed("montecarlo/chips", 0), "montecarlo.chips: .*1, got 0"),
    (changed("compute/device", "tpu"), "compute.device: .*one of auto, .*cpu here, got 'tpu'"),
    (changed("compute/mixed_precision", 1), "compute.mixed_precision: .*boolean, got 1"),
    (changed("convergence/threshold", 80), "convergence.threshold: .*1, got 80"),
    (changed("studies/mapping/method", "ofv"), "studies.mapping.method must be one of .*got 'ofv'"),
    (changed("studies/mapping/stuck", [0.1, 1.5]), "studies.mapping.stuck.1: .*1, got 1.5"),
    (changed("studies/mapping/stuck", [0.1, 0.1]), "studies.mapping.stuck: .*distinct, got"),
    (
        changed("studies/deployment/methods", ["ofv"]),
        "studies.deployment.methods must be one of .*got 'ofv'",
    ),
    (changed("studies/deployment/methods", []), "studies.deployment.methods: .*at least 1 item"),
    (
        changed("studies/deployment/sigma_d", [0.15]),
        "studies.deployment.sigma_d must be one of 0.1, .*got 0.15",
    ),
    (changed("studies/deployment/images", [50, 1]), "studies.deployment.images.1: .*2, got 1"),
    (changed("studies/deployment/shares", [0.1, 1.5]), "studies.deployment.shares.1: .*1, got 1.5"),
    (
        changed("studies/deployment/shares", [0.0, 1.0]),
        "studies.deployment.shares: .*strictly between 0 and 1, got \\[0.0",
    ),
    (
        changed("studies/deployment/shares", [0.1, 0.1]),
        "studies.deployment.shares: .*distinct, got",
    ),
    (
        changed("studies/deployment/sigma_verified", -0.1),
        "studies.deployment.sigma_verified: .*0, got -0.1",
    ),
    (without("studies/deployment", "chips"), "studies.deployment.chips: missing key"),
    (changed("variation/technologies", {}), "variation.technologies: .*1 item"),
    (changed("variation/technologies/RRAM_B", -1), "technologies.RRAM_B: .*0, got -1"),
    (changed("studies/ablations/sigma_d", -1), "studies.ablations.sigma_d: .*0, got -1"),
    (changed("studies/ablations/seeds", [0, 0]), "studies.ablations.seeds: .*distinct, got"),
    (
        changed("studies/ablations/sigma_matrix", [0.1, 0.1]),
        "studies.ablations.sigma_matrix: .*distinct, got",
    ),
    (
        changed("studies/ablations/devices", ["RRAM1", "RRAM9"]),
        "studies.ablations.devices must be .*got 'RRAM9'",
    ),
    (
        changed("studies/ablations/vary/ofv", {}),
        "studies.ablations.vary must be one of .*noise_free, .*got 'ofv'",
    ),
    (
        changed("studies/ablations/vary/ovf/betta", [1]),
        "studies.ablations.vary.ovf.betta: unknown key",
    ),
    (
        changed("studies/ablations/vary/ovf/method", ["irs"]),
        "studies.ablations.vary.ovf.method: unknown key",
    ),
    (changed("studies/ablations/vary/ovf/beta", [0, -1]), "vary.ovf: beta must be non-neg.*got -1"),
    (changed("studies/ablations/vary/ovf/beta", ["big"]), "vary.ovf.beta: .*number.*got 'big'"),
    (
        changed("studies/ablations/vary/ovf/beta", 0.1),
        "studies.ablations.vary.ovf.beta: .*list, got 0.1",
    ),
    (changed("studies/ablations/vary/ovf/beta", []), "studies.ablations.vary.ovf.beta: .*1 item"),
    (
        changed("studies/ablations/vary/ovf/gammas", [[1, 2]]),
        "vary.ovf: gammas must .*\\(3\\), got \\[1",
    ),
    (
        changed("studies/ablations/vary/ovf/increments", [[0.1], [0.1]]),
        "increments: .*distinct, got",
    ),
    (
        changed("studies/ablations/vary/irs/snapshots", [{"features.conv9": 6}]),
        "studies.ablations.vary.irs.snapshots: .*submodules of lenet5, got 'features.conv9'",
    ),
    (changed("studies/mapping", None), "studies: mapping must have settings, .*got None"),
    (changed("studies/drift", {}), "studies.drift: unknown key"),
    (changed("methods", {}), "methods: .*1 item"),
    (changed("methods/ofv", {}), "methods.ofv must be one of noise_free, .*got 'ofv'"),
    (changed("methods/ovf/method", "ofv"), "methods.ovf must be one of noise_free, .*got 'ofv'"),
    (changed("methods/ovf/betta", 1), "methods.ovf.betta: unknown key \\(known: clip, beta"),
    (changed("methods/ovf/beta", -1), "methods.ovf: beta must be non-negative.*got -1"),
    (changed("methods/ovf/beta", "big"), "methods.ovf.beta: .*number.*got 'big'"),
    (changed("methods/ovf/increments", [0.1, float("inf")]), "increments\\[1\\] .*finite"),
    (changed("methods/irs", {}), "methods.irs.beta: missing key"),
]


@pytest.mark.parametrize(("change", "said"), BAD, ids=[said[:40] for _, said in BAD])
def test_bad_parameters_fail_in_one_line(change, said: str, tmp_path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    values = yaml.load(PARAMS)
    values["studies"] |= yaml.load(ROOT / "params" / "ablations.yaml")["studies"]
    change(values)
    path = tmp_path / "mine.yaml"
    yaml.dump(values, path)
    with pytest.raises(ValueError, match=said) as caught:
        parameters.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "a: [1", "- 1", "a: 1\na: 2"])
def test_files_that_are_no_parameters_fail_in_one_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"mine\.yaml: ") as caught:
        parameters.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_every_run_of_the_repository_is_complete(path: Path) -> None:
    run = parameters.load(path)
    sections = run.sections()
    assert sections.keys() >= {"variation", "methods", "training", *sections["studies"]}


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.yaml"):
        parameters.load(tmp_path / "none.yaml")


def test_numbers_have_the_types_that_yaml_gives_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = PARAMS.read_text()
    path.write_text(text.replace("learning_rate: 1.0e-3", "learning_rate: 1e-3"))
    assert parameters.load(path).training.learning_rate == 0.001


def test_sections_become_methods() -> None:
    method = build_method("ovf", {"beta": 0.1, "increments": [0.2]})
    assert method == OVF(beta=0.1, increments=(0.2,))


def test_sections_may_vary_one_method() -> None:
    method = build_method("weak", {"method": "ovf", "beta": 0.1, "clip": 2})
    assert method == OVF(beta=0.1, clip=2.0)


@pytest.mark.parametrize("path", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmarks_are_complete_and_as_large_as_the_papers(path: Path) -> None:
    network, dataset = path.stem.split("_", 1)
    run = parameters.load(path)
    assert (run.network.name, run.network.width, run.dataset.name) == (network, 1.0, dataset)
    assert run.methods.keys() >= parameters.load(PARAMS).methods.keys()
    assert run.training.sigma_d == [round(0.05 * i, 2) for i in range(9)]
    assert (run.training.epochs, run.training.batch_size, run.montecarlo.chips) == (200, 128, 1000)


def test_the_run_of_all_methods_is_the_default_run_but_for_its_size() -> None:
    default, every = parameters.load(PARAMS), parameters.load(ROOT / "params" / "methods.yaml")
    same = {"seeds": default.training.seeds}
    assert every.training.model_copy(update=same) == default.training
    assert every.montecarlo.model_dump(exclude={"batch_size"}) == {"chips": 50}
    for section in ("hardware", "dataset", "network", "variation"):
        assert getattr(every, section) == getattr(default, section)
    assert every.methods.items() >= default.methods.items()
    built = {type(build_method(*item)) for item in every.methods.items()}
    assert built == set(METHODS.values())


def test_default_run_covers_enough_to_say_something() -> None:
    default = parameters.load(PARAMS)
    assert len(default.training.sigma_d) >= 3
    assert len(default.training.seeds) >= 3
    assert default.montecarlo.chips >= 50
