"""Laws of hardware: bits, settings, measured size, files."""

import math

import pytest
from helpers.variation import STAIRS

from neft.chip import Hardware
from neft.devices import PRESETS


@pytest.mark.parametrize(
    ("bits", "factor"),
    [
        ((8, 1), math.sqrt(21845) / 255),
        ((8, 2), math.sqrt(1 + 16 + 256 + 4096) / 85),
        ((8, 4), math.sqrt(257) / 17),
        ((6, 2), math.sqrt(1 + 16 + 256) / 21),
        ((4, 4), 1.0),
    ],
)
def test_slice_factor_adds_devices_by_significance(bits: tuple[int, int], factor: float) -> None:
    assert Hardware(PRESETS["RRAM1"], *bits).slice_factor == pytest.approx(factor)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"device_bits": 3}, r"device_bits must divide weight_bits \(8\), got 3"),
        ({"device_bits": 0}, "device_bits must be at least 1, got 0"),
        ({"weight_bits": 0}, "weight_bits must be at least 1, got 0"),
        ({"weight_bits": 2, "device_bits": 4}, "device_bits must divide"),
        ({"stuck_low": -0.1}, r"stuck_low must be in \[0, 1\], got -0.1"),
        ({"stuck_high": math.nan}, r"stuck_high must be in \[0, 1\], got nan"),
        ({"stuck_low": 0.6, "stuck_high": 0.6}, r"must be at most 1, got 1.2"),
        (
            {"mapping": "weight", "stuck_low": 0.1},
            "mapping must be device-level with stuck devices, got 'weight'",
        ),
        ({"mapping": "pair"}, "mapping must be one of weight, differential, sign_bit, got 'pair'"),
        ({"scale": "row"}, "scale must be one of tensor, channel, got 'row'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Hardware(PRESETS["RRAM1"], **{"mapping": "sign_bit", **settings})


def test_the_measured_size_is_that_of_the_devices_where_there_is_one() -> None:
    assert Hardware(STAIRS).sigma_d_measured == pytest.approx(math.sqrt(14e-4 / 3))
    assert Hardware(PRESETS["PCM"]).sigma_d_measured == PRESETS["PCM"].sigma_d_measured
    with pytest.raises(ValueError, match="variation must have a measured size, got 'RRAM4'"):
        _ = Hardware(PRESETS["RRAM4"]).sigma_d_measured


@pytest.mark.parametrize("hardware", [Hardware(PRESETS["RRAM4"], 6, 3), Hardware(STAIRS)])
def test_hardware_is_equal_after_saving_and_loading(hardware: Hardware, tmp_path) -> None:
    hardware.save(tmp_path / "hardware.json")
    assert Hardware.load(tmp_path / "hardware.json") == hardware


def test_hardware_loads_a_preset_by_name() -> None:
    assert Hardware.load("RRAM4") == Hardware(PRESETS["RRAM4"])


PLAIN = '{"kind": "ratio_gaussian", "name": "x", "source": "", "ratio": 1}'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "must be named devices .* or a file, got"),
        ("[]", "not a hardware file"),
        ('{"weight_bits": 8}', "variation must be an object, got None"),
        ('{"weight_bits": 8, "variation": [1]}', r"variation must be an object, got \[1\]"),
        (f'{{"weight_bits": true, "variation": {PLAIN}}}', "weight_bits: .*integer, got True"),
        (f'{{"weight_bits": 8.5, "variation": {PLAIN}}}', "weight_bits: .*integer, got 8.5"),
        (f'{{"weight_bits": 1000000, "variation": {PLAIN}}}', "weight_bits must be at most 32"),
        (f'{{"scale": 1, "variation": {PLAIN}}}', "scale: .*string, got 1"),
        (f'{{"stuck_low": NaN, "variation": {PLAIN}}}', "stuck_low must be in .*got nan"),
        (f'{{"tiles": 8, "variation": {PLAIN}}}', "tiles: unknown key, got 8"),
        (
            f'{{"weight_bits": 8, "device_bits": 3, "variation": {PLAIN}}}',
            "device_bits must divide",
        ),
    ],
)
def test_a_bad_hardware_file_is_named_with_its_fault(text: str | None, said: str, tmp_path) -> None:
    path = tmp_path / "hardware.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=said) as caught:
        Hardware.load(path)
    assert "hardware.json" in str(caught.value)
