"""The section `hardware` of params.yaml: what it becomes, and what is refused in one line."""

from dataclasses import replace
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from neft.characterize.bundled import read_noise_models
from neft.chip import Converters, Deviations, Fixed, Hardware, Learned, Percentile, Periphery
from neft.devices import PRESETS, ReadNoise
from neft.pipeline import parameters
from neft.pipeline.hardware import HardwareSection

PARAMS = Path(__file__).parents[2] / "params" / "chip.yaml"
DEVICES = {
    "preset": "RRAM1", "weight_bits": 8, "device_bits": 2, "scale": "tensor",
    "mapping": "differential", "stuck_low": 0.0, "stuck_high": 0.0,
}  # fmt: skip
PAIRS = Hardware(PRESETS["RRAM1"], mapping="differential")
NOISE = {"white": 0.01, "flicker": 0.02, "exponent": 1.0, "telegraph": 0.0, "corner_Hz": 1.0}
NOISE |= {"low_Hz": 0.1, "high_Hz": 10.0}

BAD = [  # key, its bad value, and what the error says, @ for the key
    ("studies.chip.methods", ["ofv"], "@ must be one of clipped_scaled, .*got 'ofv'"),
    ("studies.chip.sigma_d", 0.2, "@ must be one of 0.1, got 0.2"),
    ("studies.chip.chips", 0, "@: .*1, got 0"),
    ("studies.chip.chips", ..., "@: missing key"),
    ("studies.chip.stuck", {}, "@: unknown key"),
    ("studies.chip", None, "studies: chip must have settings"),
    ("studies.ageing", {"method": "noise_free", "chips": 1}, "@ must not be there where hardware"),
    ("montecarlo.half_width", 0.01, "@ must not be set where hardware has more .*, got 0.01"),
    ("methods.noise_free.whole_chip", 1, "@: must be true or false, got 1"),
    ("dataset.training_images", 300, "calibration_images must be at most the 300 .*, got 500"),
    ("hardware.calibration_images", 1, "@: .*2, got 1"),
    ("hardware.calibration_images", 4000, "@ must be at most the 3500 training images, got 4000"),
    ("hardware.mapping", "weight", "hardware: mapping must be device-level"),
    ("hardware.time_s", 60, r"time_s must be of a preset that drifts \(PCM_drift\), got 60 for"),
    ("hardware.stuck_low", 1.0, r"hardware: stuck_low \+ stuck_high must be at most 1, got 1.001"),
    ("hardware.read_noise.device", "RRAM_A_9", "device must be one of RRAM_A_0, .*'RRAM_A_9'"),
    ("hardware.read_noise.device", ..., "one of device and parts must be given, got None"),
    ("hardware.read_noise.parts", NOISE, "one of device and parts must be .*got 'RRAM_A_16'"),
    ("hardware.read_noise.images_per_read", 0, "@: .*1, got 0"),
    ("hardware.read_noise.interval_s", 0, "@: .*0, got 0"),
    ("hardware.converters.dac_bits", 1, "converters: dac_bits must be at least 2, got 1"),
    ("hardware.converters.adc_bits", 8.5, "@: .*integer.*got 8.5"),
    ("hardware.converters.adc_bits", ..., "converters: output_range must be given with adc_bits"),
    ("hardware.converters.input_range", ..., "input_range must be given with dac_bits and only"),
    ("hardware.converters.input_range", {}, "@: one of fixed, percentile, .*got none"),
    ("hardware.converters.input_range", {"percentile": 99, "fixed": 1}, "got fixed, percentile"),
    ("hardware.converters.input_range", {"percentile": 101}, "@: percent .*at most 100, got 101"),
    ("hardware.converters.output_range", {"learned": 3}, "output_range must not be learned"),
    ("hardware.converters.tile_rows", 0, "@: .*1, got 0"),
    ("hardware.converters", {}, "@: dac_bits, adc_bits or tile_rows must be given, got none"),
    ("hardware.compensation", ["offset"], "@: compensation must be one of drift, .*got 'offset'"),
    ("hardware.compensation", ["drift", "drift"], "@: .*distinct, got"),
    ("hardware.compensation", [], "@: .*1 item"),
]


def changed(key: str, value: Any, path: Path) -> Path:
    yaml = YAML(typ="safe", pure=True)
    values = yaml.load(PARAMS)
    *sections, last = key.split(".")
    section = reduce(getitem, sections, values)
    section[last] = value
    if value is ...:
        del section[last]
    yaml.dump(values, path)
    return path


@pytest.mark.parametrize(("key", "value", "said"), BAD)
def test_bad_parts_fail_in_one_line(key: str, value: Any, said: str, tmp_path: Path) -> None:
    path = changed(key, value, tmp_path / "mine.yaml")
    with pytest.raises(ValueError, match=said.replace("@", key)) as caught:
        parameters.load(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({}, "studies.chip must not be there without stuck, read_noise, .* in hardware, got none"),
        (
            {"compensation": ["drift"]},
            r"methods.\w+_whole_chip.whole_chip must not be true where hardware has",
        ),
    ],
)
def test_a_whole_chip_needs_parts(parts: dict, said: str, tmp_path: Path) -> None:
    path = changed("hardware", DEVICES | parts, tmp_path / "mine.yaml")
    with pytest.raises(ValueError, match=said):
        parameters.load(path)


def test_devices_alone_have_no_periphery() -> None:
    section = HardwareSection(**DEVICES)
    assert section.on(PRESETS["RRAM1"]) == PAIRS
    assert section.parts == [] and section.periphery is None
    stuck = HardwareSection(**DEVICES | {"stuck_low": 0.1})
    assert stuck.parts == ["stuck"] and stuck.periphery is None


def test_a_preset_that_drifts_can_be_taken_at_another_time() -> None:
    drifting = PRESETS["PCM_drift"]
    settings = DEVICES | {"preset": "PCM_drift"}
    assert HardwareSection(**settings).on(drifting).variation == drifting
    assert HardwareSection(**settings, time_s=60).on(drifting).variation == drifting.at(60)


def test_parts_are_added_in_their_order_and_each_is_tested_alone() -> None:
    section = parameters.load(PARAMS).hardware
    stuck = section.on(PRESETS["RRAM1"])
    assert stuck == replace(PAIRS, stuck_low=0.01, stuck_high=0.001)
    found = {(c.labels["series"], c.labels["part"]): c for c in section.conditions(stuck)}
    parts = ["devices", "stuck", "read_noise", "converters", "compensation"]
    assert list(found) == [(series, part) for series in ("added", "alone") for part in parts]
    off = Periphery(images=500)
    for series in ("added", "alone"):
        plain, second = found[series, "devices"], found[series, "stuck"]
        assert (plain.hardware, plain.periphery) == (PAIRS, off)
        assert (second.hardware, second.periphery) == (stuck, off)
    noise = read_noise_models()["RRAM_A_16"]
    half = Percentile(99.9)
    around = Converters(8, 8, half, half, 128)
    read = Periphery(noise, 100, 2.5e-3, images=500)
    assert found["alone", "read_noise"].periphery == read
    assert found["alone", "converters"].periphery == Periphery(converters=around, images=500)
    together = Periphery(noise, 100, 2.5e-3, around, ("drift", "batchnorm"), 500)
    assert found["added", "compensation"].periphery == section.periphery == together
    assert all(found["added", part].hardware == stuck for part in parts[1:])
    assert all(found["alone", part].hardware == PAIRS for part in parts[2:])


def test_training_meets_the_errors_of_programming_or_the_whole_chip() -> None:
    section = parameters.load(PARAMS).hardware
    stuck = section.on(PRESETS["RRAM1"])
    assert section.in_training(stuck, whole_chip=False) == {"hardware": PAIRS, "periphery": None}
    whole = {"hardware": stuck, "periphery": section.periphery}
    assert section.in_training(stuck, whole_chip=True) == whole


def test_a_part_without_a_key_is_off_and_noise_and_ranges_may_be_given_in_numbers() -> None:
    section = HardwareSection(
        **DEVICES, calibration_images=2,
        read_noise={"parts": NOISE, "images_per_read": None, "interval_s": 1.0},
        converters={
            "dac_bits": 4, "input_range": {"learned": 2.0},
            "adc_bits": 5, "output_range": {"deviations": 3.0},
        },
    )  # fmt: skip
    assert section.parts == ["read_noise", "converters"]
    assert section.periphery == Periphery(
        ReadNoise("own", "the parameter file", **NOISE),
        converters=Converters(4, 5, Learned(2.0), Deviations(3.0)),
        images=2,
    )
    fixed = {"dac_bits": 4, "input_range": {"fixed": 2.0}}
    exact = HardwareSection(**DEVICES, converters=fixed).periphery
    assert exact == Periphery(converters=Converters(4, None, Fixed(2.0)))
