"""The parts of a chip in params.yaml: what they become, and what is refused in one line."""

from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from neft.characterize.bundled import read_noise_models
from neft.chip import Converters, Deviations, Fixed, Hardware, Percentile
from neft.devices import PRESETS, ReadNoise
from neft.evaluation import Periphery
from neft.pipeline import parameters
from neft.pipeline.chip_parts import Chip

PARAMS = Path(__file__).parents[2] / "params" / "chip.yaml"
PAIRS = Hardware(PRESETS["RRAM1"], mapping="differential")
NOISE = {"white": 0.01, "flicker": 0.02, "exponent": 1.0, "telegraph": 0.0, "corner_Hz": 1.0}
NOISE |= {"low_Hz": 0.1, "high_Hz": 10.0}

BAD = [  # key below studies.chip (or a whole one), its bad value, and what the error says
    ("methods", ["ofv"], "@ must be one of clipped_scaled, .*got 'ofv'"),
    ("sigma_d", 0.2, "@ must be one of 0.1, got 0.2"),
    ("chips", 0, "@: .*1, got 0"),
    ("chips", ..., "@: missing key"),
    ("calibration_images", 1, "@: .*2, got 1"),
    ("calibration_images", 4000, "@ must be at most the 3500 training images, got 4000"),
    ("periphery", {}, "@: unknown key"),
    ("stuck", {"low": 0.0, "high": 0.0}, r"@: low \+ high must be above 0 .*, got 0"),
    ("stuck", {"low": 0.6, "high": 0.6}, r"@: low \+ high must be .* at most 1, got 1.2"),
    ("stuck.low", 1.5, "@: .*1, got 1.5"),
    ("stuck.high", ..., "@: missing key"),
    ("read_noise.device", "RRAM_A_9", "read_noise: device must be one of RRAM_A_0, .*'RRAM_A_9'"),
    ("read_noise.device", ..., "read_noise: one of device and parts must be given, got None"),
    ("read_noise.parts", NOISE, "read_noise: one of device and parts must be .*got 'RRAM_A_16'"),
    ("read_noise.images_per_read", 0, "@: .*1, got 0"),
    ("read_noise.interval_s", 0, "@: .*0, got 0"),
    ("converters.dac_bits", 1, "converters: dac_bits must be at least 2, got 1"),
    ("converters.adc_bits", 8.5, "@: .*integer.*got 8.5"),
    ("converters.adc_bits", ..., "converters: output_range must be given with adc_bits"),
    ("converters.input_range", ..., "input_range must be given with dac_bits and only then"),
    ("converters.input_range", {}, "@: one of fixed, percentile, deviations .*got none"),
    ("converters.input_range", {"percentile": 99, "fixed": 1}, "@: one of .*got fixed, percentile"),
    ("converters.input_range", {"percentile": 101}, "@: percent must be .*at most 100, got 101"),
    ("converters.tile_rows", 0, "@: .*1, got 0"),
    ("converters", {}, "@: dac_bits, adc_bits or tile_rows must be given, got none"),
    ("compensation", ["offset"], "@: compensation must be one of drift, .*got 'offset'"),
    ("compensation", ["drift", "drift"], "@: .*distinct, got"),
    ("compensation", [], "@: .*1 item"),
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
    whole = f"studies.chip.{key}"
    path = changed(whole, value, tmp_path / "mine.yaml")
    with pytest.raises(ValueError, match=said.replace("@", whole)) as caught:
        parameters.load(path)
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("hardware.mapping", "weight", "studies.chip.stuck: mapping must be device-level"),
        ("hardware.stuck_low", 0.1, "studies.chip.stuck: stuck_low and .* must be 0, got 0.1"),
        ("dataset.training_images", 300, "@ must be at most the 300 training images, got 500"),
        ("studies.chip", None, "studies: chip must have settings"),
    ],
)
def test_parts_must_fit_the_rest_of_the_run(
    key: str, value: Any, said: str, tmp_path: Path
) -> None:
    path = changed(key, value, tmp_path / "mine.yaml")
    with pytest.raises(ValueError, match=said.replace("@", "studies.chip.calibration_images")):
        parameters.load(path)


def test_without_any_part_there_is_nothing_to_study() -> None:
    with pytest.raises(ValueError, match=r"one of stuck, read_noise, .* must be given, got none"):
        Chip(methods=["ovf"], sigma_d=0.1, chips=1, calibration_images=2)


def test_parts_are_added_in_their_order_and_each_is_tested_alone() -> None:
    chip = parameters.load(PARAMS).studies.chip
    assert chip is not None
    found = {(c.labels["series"], c.labels["part"]): c for c in chip.conditions(PAIRS)}
    parts = ["devices", "stuck", "read_noise", "converters", "compensation"]
    assert list(found) == [(series, part) for series in ("added", "alone") for part in parts]
    off = Periphery(images=500)
    for series in ("added", "alone"):
        plain = found[series, "devices"]
        assert (plain.hardware, plain.periphery) == (PAIRS, off)
        stuck = found[series, "stuck"].hardware
        assert (stuck.stuck_low, stuck.stuck_high, stuck.mapping) == (0.01, 0.001, "differential")
        assert found[series, "stuck"].periphery == off
    noise = read_noise_models()["RRAM_A_16"]
    read = Periphery(noise, 100, 2.5e-3, images=500)
    half = Percentile(99.9)
    around = Converters(8, 8, half, half, 128)
    assert found["alone", "read_noise"].periphery == read
    assert found["alone", "converters"].periphery == Periphery(converters=around, images=500)
    together = Periphery(noise, 100, 2.5e-3, around, ("drift", "batchnorm"), 500)
    assert found["added", "compensation"].periphery == together
    assert all(found["added", part].hardware == stuck for part in parts[1:])
    assert all(found["alone", part].hardware == PAIRS for part in parts[2:])


def test_a_part_without_a_section_is_off_and_noise_and_ranges_may_be_given_in_numbers() -> None:
    chip = Chip(
        methods=["ovf"], sigma_d=0.1, chips=1, calibration_images=2,
        read_noise={"parts": NOISE, "images_per_read": None, "interval_s": 1.0},
        converters={
            "dac_bits": 4, "input_range": {"fixed": 2.0},
            "adc_bits": 5, "output_range": {"deviations": 3.0},
        },
    )  # fmt: skip
    assert chip.parts == ["read_noise", "converters"]
    last = chip.conditions(Hardware(PRESETS["RRAM1"]))[2]
    assert last.hardware == Hardware(PRESETS["RRAM1"])
    assert last.periphery == Periphery(
        ReadNoise("own", "the parameter file", **NOISE),
        converters=Converters(4, 5, Fixed(2.0), Deviations(3.0)),
        images=2,
    )
