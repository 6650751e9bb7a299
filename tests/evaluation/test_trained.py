"""Files of trained networks: what is no such file is refused by name, in one line, and cheaply."""

import json
import struct
from pathlib import Path

import pytest
import torch

from neft import networks
from neft._utils import checkpoints
from neft.evaluation import load_trained, trained_networks

SHAPE = {"name": "lenet5", "classes": 3, "channels": 1, "side": 16, "width": 0.1}
HEADER = {"method": "ovf", "sigma_d": 0.1, "seed": 0, "network": SHAPE, "dataset": {}}
WEIGHTS = networks.build(**SHAPE, seed=0).state_dict()
LAST = "classifier.7.bias"


def saved(path: Path, header: dict = HEADER, **weights: torch.Tensor) -> Path:
    checkpoints.save(path, WEIGHTS | weights, **header)
    return path


def test_a_network_comes_back_with_its_weights_and_header(tmp_path: Path) -> None:
    network, header = load_trained(saved(tmp_path / "x.safetensors"))
    assert header == HEADER
    for name, weight in network.state_dict().items():
        assert torch.equal(weight, WEIGHTS[name])


HEADERS = [
    ({"sigma_d": "0.1"}, "sigma_d: .*number, got '0.1'"),
    ({"sigma_d": True}, "sigma_d: .*number, got True"),
    ({"sigma_d": None}, "sigma_d: .*number, got None"),
    ({"seed": 1.5}, "seed: .*integer, got 1.5"),
    ({"method": 7}, "method: .*string, got 7"),
    ({"network": []}, r"network: .*object, got \[\]"),
    ({"dataset": "mnist"}, "dataset: .*object, got 'mnist'"),
    ({"pickle": "gASV"}, "pickle: unknown key, got 'gASV'"),
    ({"network": {}}, "name: missing key"),
    ({"network": {**SHAPE, "name": "os.system"}}, "network must be one of lenet5"),
    ({"network": {**SHAPE, "name": ["vgg8"]}}, r"name: .*string, got \['vgg8'\]"),
    ({"network": {**SHAPE, "width": -1.0}}, "width must be positive"),
    ({"network": {**SHAPE, "width": 1e9}}, "not a trained network"),
    ({"network": {**SHAPE, "width": 1e300}}, "not a trained network"),
    ({"network": {**SHAPE, "width": 300.0}}, r"must have the shape \[.*36000.*\], got"),
    ({"network": {**SHAPE, "classes": 10**15}}, "not a trained network"),
    ({"network": {**SHAPE, "classes": -1}}, "not a trained network"),
    ({"network": {**SHAPE, "classes": 4}}, r"must have the shape \[4"),
    ({"network": {**SHAPE, "channels": "1"}}, "channels: .*integer, got '1'"),
    ({"network": {**SHAPE, "side": 4}}, "side must be at least 16 pixels, got 4"),
    ({"network": {**SHAPE, "side": 10**9}}, "not a trained network"),
    ({"network": {**SHAPE, "initialisation": "x"}}, "initialisation must be one of"),
    ({"network": {**SHAPE, "more": 1}}, "more: unknown key, got 1"),
]


@pytest.mark.parametrize(("change", "said"), HEADERS)
def test_a_bad_header_is_refused_before_memory_is_taken(
    change: dict, said: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "x.safetensors", HEADER | change)
    with pytest.raises(ValueError, match=rf"^{path}: .*{said}") as caught:
        load_trained(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1100


@pytest.mark.parametrize("key", HEADER)
def test_a_missing_key_is_named(key: str, tmp_path: Path) -> None:
    header = {name: value for name, value in HEADER.items() if name != key}
    with pytest.raises(ValueError, match=f"{key}: missing key"):
        load_trained(saved(tmp_path / "x.safetensors", header))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    weights = {LAST: torch.tensor([0.0, value, 0.0])}
    with pytest.raises(ValueError, match=rf"x\.safetensors: .*{LAST} must be finite"):
        load_trained(saved(tmp_path / "x.safetensors", **weights))


def test_weights_of_another_network_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more is unknown"):
        load_trained(saved(tmp_path / "a.safetensors", more=torch.zeros(1)))
    fewer = {name: weight for name, weight in WEIGHTS.items() if name != LAST}
    checkpoints.save(tmp_path / "b.safetensors", fewer, **HEADER)
    with pytest.raises(ValueError, match=f"{LAST} is missing"):
        load_trained(tmp_path / "b.safetensors")


def lies(end: int, header: str | None = None) -> bytes:
    """A file of eight bytes of weights whose header says otherwise."""
    said = header or json.dumps({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, end]}})
    return struct.pack("<Q", len(said)) + said.encode() + bytes(8)


FILES = {
    "empty": b"",
    "long": struct.pack("<Q", 2**62) + b"{}",
    "beyond": lies(800),
    "negative": lies(-8),
    "deep": lies(8, "[" * 10_000),
    "text": b"not a network at all",
    "pickle": b"\x80\x04cos\nsystem\n(S'touch EVIL'\ntR.",
    "zip": b"PK\x03\x04" + bytes(100),
    "null": bytes(4096),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_safetensors_file_is_refused_and_not_executed(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"{name}.safetensors"
    path.write_bytes(FILES[name])
    with pytest.raises(ValueError, match=rf"{name}\.safetensors: not a checkpoint") as caught:
        load_trained(path)
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_half_written_files_are_no_networks_and_a_folder_of_none_is_refused(
    tmp_path: Path,
) -> None:
    saved(tmp_path / ".x.safetensors")
    with pytest.raises(ValueError, match="must hold trained networks"):
        trained_networks(tmp_path)
