"""Every bad parameter gives one line with file, key, rule and value."""

from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from neft.pipeline import parameters
from neft.training import OVF, build_method

ROOT = Path(__file__).parents[2]
PARAMS = ROOT / "params.yaml"

BAD = [  # key, its bad value (... removes the key), and what the error says, @ for the key
    ("training.sigma_d", [0.1, -0.1], "@.1: .* 0, got -0.1"),
    ("training.sigma_d", [], r"@: .*at least 1 item.*got \[\]"),
    ("training.sigma_d", [0.1, 0.1], "@: .*distinct, got"),
    ("training.sigma_d", [float("nan")], "@.0: .*finite.*got nan"),
    ("training.seeds", [], r"@: .*at least 1 item.*got \[\]"),
    ("training.seeds", [1, -1], "@.1: .*got -1"),
    ("training.epochs", 0, "@: .*1, got 0"),
    ("training.epochs", "many", "@: .*integer.*got 'many'"),
    ("training.learning_rate", 0, "@: .*0, got 0"),
    ("training.epoch", 3, "@: unknown key, got 3"),
    ("training.epochs", ..., "@: missing key"),
    ("trainng", {}, "@: unknown key"),
    ("hardware.preset", "RRAM9", "@ must be one of RRAM1, .*'RRAM9'"),
    ("hardware.device_bits", 3, r"device_bits must divide weight_bits \(8\), got 3"),
    ("hardware.mapping", "pair", "hardware: mapping must be one of .*got 'pair'"),
    ("hardware.stuck_low", 0.1, "hardware: mapping must be device-level .*got 'weight'"),
    ("hardware.stuck_high", -1, "hardware: stuck_high must be in .*got -1"),
    ("dataset.name", "svhn", "dataset: name must be one of mnist5k, .*got 'svhn'"),
    ("dataset.folder", ..., "@: missing key"),
    ("network.name", "vgg9", "@ must be one of lenet5, .*, got 'vgg9'"),
    ("network.width", -1, "@: .*0, got -1"),
    ("montecarlo.chips", 0, "@: .*1, got 0"),
    ("compute.device", "tpu", "@: .*one of auto, .*cpu here, got 'tpu'"),
    ("compute.mixed_precision", 1, "@: .*boolean, got 1"),
    ("convergence.threshold", 80, "@: .*1, got 80"),
    ("studies.mapping.method", "ofv", "@ must be one of .*got 'ofv'"),
    ("studies.mapping.stuck", [0.1, 1.5], "@.1: .*1, got 1.5"),
    ("studies.mapping.stuck", [0.1, 0.1], "@: .*distinct, got"),
    ("studies.deployment.methods", ["ofv"], "@ must be one of .*got 'ofv'"),
    ("studies.deployment.methods", [], "@: .*at least 1 item"),
    ("studies.deployment.sigma_d", [0.15], "@ must be one of 0.05, .*got 0.15"),
    ("studies.deployment.images", [50, 1], "@.1: .*2, got 1"),
    ("studies.deployment.shares", [0.1, 1.5], "@.1: .*1, got 1.5"),
    ("studies.deployment.shares", [0.0, 1.0], r"@: .*strictly between 0 and 1, got \[0.0"),
    ("studies.deployment.shares", [0.1, 0.1], "@: .*distinct, got"),
    ("studies.deployment.sigma_verified", -0.1, "@: .*0, got -0.1"),
    ("studies.deployment.chips", ..., "@: missing key"),
    ("variation.technologies", {}, "@: .*1 item"),
    ("variation.technologies.RRAM_B", -1, "technologies.RRAM_B: .*0, got -1"),
    ("studies.ablations.sigma_d", -1, "@: .*0, got -1"),
    ("studies.ablations.seeds", [0, 0], "@: .*distinct, got"),
    ("studies.ablations.sigma_matrix", [0.1, 0.1], "@: .*distinct, got"),
    ("studies.ablations.devices", ["RRAM1", "RRAM9"], "@ must be .*got 'RRAM9'"),
    (
        "studies.ablations.vary.ofv",
        {"beta": [1]},
        "studies.ablations.vary must be one of .*noise_free, .*got 'ofv'",
    ),
    ("studies.ablations.vary.ovf.betta", [1], "@: unknown key"),
    ("studies.ablations.vary.ovf.method", ["irs"], "@: unknown key"),
    ("studies.ablations.vary.ovf.beta", [0, -1], "vary.ovf: beta must be non-neg.*got -1"),
    ("studies.ablations.vary.ovf.beta", ["big"], "vary.ovf.beta: .*number.*got 'big'"),
    ("studies.ablations.vary.ovf.beta", 0.1, "@: .*list, got 0.1"),
    ("studies.ablations.vary.ovf.beta", [], "@: .*1 item"),
    ("studies.ablations.vary.ovf.gammas", [[1, 2]], r"vary.ovf: gammas must .*\(3\), got \[1"),
    ("studies.ablations.vary.ovf.increments", [[0.1], [0.1]], "increments: .*distinct, got"),
    (
        "studies.ablations.vary.irs.snapshots",
        [{"features.conv9": 6}],
        "@: .*submodule of the network, got 'features.conv9'",
    ),
    ("studies.mapping", None, "studies: mapping must have settings, .*got None"),
    ("studies.drift", {}, "@: unknown key"),
    ("studies.causes.factors", ["clip"], "@: .*2 items"),
    ("studies.causes.factors", ["clip", "depth"], "causes: factors must be .*got 'depth'"),
    ("studies.causes.factors", ["clip", "clip"], "@: .*distinct, got"),
    ("studies.causes.sigma_d", [-1], "@.0: .*0, got -1"),
    ("studies.border.methods", ["ofv"], "@ must be one of .*got 'ofv'"),
    ("studies.border.initialisations", ["he"], "border: initialisations must be .*got 'he'"),
    ("studies.border.vary.depth", [1], "border: vary must be one of width, .*got 'depth'"),
    ("studies.border.vary.epochs", [0], "@.0: .*0, got 0"),
    ("studies.border.vary.epochs", [2, 2], "@: .*distinct, got"),
    ("studies.border.threshold", 50, "@: .*1, got 50"),
    ("studies.search.space", {}, "@: .*1 item"),
    ("studies.search.space", {"clip": [0.5]}, "space.noise_injection: clip must be above 1"),
    ("studies.search.space", {"clip": {"low": 3.0, "high": 2.0}}, "search: low must be below"),
    ("studies.search.space", {"clipp": [2.0]}, "space.noise_injection.clipp: unknown key"),
    ("studies.search.method", "ofv", "space.ofv must be one of .*got 'ofv'|got 'ofv'"),
    ("training.epochs", True, "@: .*integer, got True"),
    ("training.learning_rate", "0.1", "@: .*number, got '0.1'"),
    ("training.seeds", [True], "@.0: .*integer, got True"),
    ("hardware.stuck_low", False, "@: .*number, got False"),
    ("methods.ovf.beta", True, "@: must be a number, got True"),
    ("methods.ovf.beta", "0.1", "@: must be a number, got '0.1'"),
    ("methods.ovf.increments", [0.1, True], r"@: must be a number, got \[0.1, True\]"),
    ("methods.irs.snapshots", {"features.conv1": "6"}, "@: must be a number, got {.*'6'}"),
    ("methods.$(touch X)", {"method": "ovf"}, r"methods.*: .*pattern.*, got '\$\(touch X\)'"),
    ("methods.my method", {"method": "ovf"}, "methods.*: .*pattern.*, got 'my method'"),
    ("variation.technologies.\\/evil", 1.0, "variation.technologies.*: .*pattern.*evil'"),
    ("variation.technologies.hardware", 1.0, "must not be the name of a preset.*got 'hardware'"),
    ("variation.technologies.RRAM1", 1.0, "must not be the name of a preset.*got 'RRAM1'"),
    ("variation.technologies.RRAM_B_smooth", 1.0, "must not be the name.*got 'RRAM_B_smooth'"),
    ("methods", {}, "@: .*1 item"),
    ("methods.ofv", {}, "@ must be one of noise_free, .*got 'ofv'"),
    ("methods.ovf.method", "ofv", "methods.ovf must be one of noise_free, .*got 'ofv'"),
    ("methods.noise_free.epochs", 0, "@: must be an integer from 1 to 1000000, got 0"),
    ("methods.noise_free.epochs", 2.5, "@: must be an integer from 1 to 1000000, got 2.5"),
    ("methods.noise_free.epochs", True, "@: must be an integer from 1 to 1000000, got True"),
    (
        "methods.clipped.epochs",
        4,
        "@ must not be set for studies.border.*got 4",
    ),
    ("methods.ovf.betta", 1, r"@: unknown key \(known: .*clip, .*, initialisation, beta"),
    ("methods.ovf.beta", -1, "methods.ovf: beta must be non-negative.*got -1"),
    ("methods.ovf.beta", "big", "@: .*number.*got 'big'"),
    ("methods.ovf.increments", [0.1, float("inf")], r"increments\[1\] .*finite"),
    ("methods.irs", {}, "@.beta: missing key"),
    ("montecarlo.half_width", 0, "@: .*greater than 0, got 0"),
    ("montecarlo.half_width", -0.01, "@: .*greater than 0, got -0.01"),
    ("montecarlo.half_width", float("inf"), "@: .*finite"),
    ("montecarlo.half_width", float("nan"), "@: .*finite"),
    ("montecarlo.half_width", True, "@: .*number, got True"),
    ("montecarlo.half_width", "true", "@: .*number, got 'true'"),
    ("dataset.side", 7, "@: .*greater than or equal to 8, got 7"),
    ("dataset.training_images", 0, "@: .*greater than or equal to 1, got 0"),
    ("dataset.training_images", ..., "@: missing key"),
    (
        "methods.noise_free.initialisation",
        "he",
        "methods.noise_free: initialisation must be one of .*got 'he'",
    ),
    ("methods.ovf.initialisation", "torch", "@ must not be set for studies.border.*got 'torch'"),
    ("network.initialisation", "he", "@ must be one of torch, .*, paper, got 'he'"),
    ("compute.compile", 1, "@: .*boolean"),
    ("training.epochs", 10**7, "@: .*1000000, got 10000000"),
    ("training.sigma_d", [0.1, 1.01], "@.1: .*less than or equal to 1, got 1.01"),
    ("hardware.weight_bits", 4096, "weight_bits must be at most 32, got 4096"),
    ("dataset.training_images", 3501, "dataset: mnist5k: training_images must be from 1 to 3500"),
    ("dataset.side", 10**6, "network: .*images must fit into memory, .*got"),
    ("network.width", 1e4, "network: .*weights.* must fit into memory, .*got"),
    ("network.width", 1e30, "network: width must be one .*, got 1e\\+30"),
    ("methods.irs.snapshots", {"conv9": 6}, "methods.irs: snapshot must name .*got 'conv9'"),
    ("methods.irs.gammas", [1.0], r"methods.irs: gammas must .*snapshots \(3\), got \[1.0"),
    ("methods.irs.hidden", 10**9, "methods.irs: .*must fit into memory"),
    ("studies.deployment.images", [2, 4000], "@ must be at most the 3500 .*got 4000"),
    ("studies.ablations.vary", {}, "@: .*1 item"),
    ("studies.ablations.vary.ovf", {}, "@: .*1 item"),
    ("studies.border.vary", {}, "@: .*1 item"),
    ("studies.border.vary.epochs", [2.5], "border: epochs must be a whole number, got 2.5"),
    ("studies.border.vary.training_images", [9999], "training_images must be .*3500, got 9999"),
    ("studies.border.vary.side", [7], "studies.border.vary: side must be at least 8 pixels, got 7"),
    ("compute.scheduler", "host:8786", "@: .*pattern.*, got 'host:8786'"),
    ("compute.scheduler", "tcp://host", "@: .*pattern.*, got 'tcp://host'"),
    ("compute.scheduler", 8786, "@: .*string, got 8786"),
]


@pytest.mark.parametrize(("key", "value", "said"), BAD)
def test_bad_parameters_fail_in_one_line(key: str, value: Any, said: str, tmp_path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    values = yaml.load(PARAMS)
    for name in ("ablations", "causes", "border", "recipe"):
        values["studies"] |= yaml.load(ROOT / "params" / f"{name}.yaml")["studies"]
    *sections, last = key.split(".")
    section = reduce(getitem, sections, values)
    section[last] = value
    if value is ...:
        del section[last]
    path = tmp_path / "mine.yaml"
    yaml.dump(values, path)
    with pytest.raises(ValueError, match=said.replace("@", key)) as caught:
        parameters.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mapping: weight": "mapping: differential", "low: 0.0": "low: 0.01"}, "studies.* stuck"),
        ({"  ovf:\n    beta": "  ovf:\n    epochs: 60\n    beta"}, "ovf.epochs must .*its own"),
    ],
)
def test_ablations_refuse_what_they_would_not_use(changes: dict, said: str, tmp_path: Path) -> None:
    text = (ROOT / "params" / "ablations.yaml").read_text()
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValueError, match=said):
        parameters.load(tmp_path / "mine.yaml")


def test_own_methods_are_refused_on_a_cluster_whose_workers_could_have_old_code(
    tmp_path: Path,
) -> None:
    text = PARAMS.read_text().replace("  device: auto", "  scheduler: tcp://here:1\n  device: auto")
    (tmp_path / "a.yaml").write_text(text)
    assert parameters.load(tmp_path / "a.yaml").compute.scheduler == "tcp://here:1"
    own = "methods:\n  mine:\n    module: mine\n"
    (tmp_path / "b.yaml").write_text(text.replace("methods:\n", own, 1))
    with pytest.raises(ValueError, match=r"scheduler must not be set .*methods\.mine\.module"):
        parameters.load(tmp_path / "b.yaml")


def test_numbers_have_the_types_that_yaml_gives_them(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = PARAMS.read_text()
    path.write_text(text.replace("learning_rate: 1.0e-3", "learning_rate: 1e-3"))
    assert parameters.load(path).training.learning_rate == 0.001


def test_sections_become_methods_and_may_vary_one() -> None:
    method = build_method("ovf", {"beta": 0.1, "increments": [0.2]})
    assert method == OVF(beta=0.1, increments=(0.2,))
    method = build_method("weak", {"method": "ovf", "beta": 0.1, "clip": 2})
    assert method == OVF(beta=0.1, clip=2.0)
