"""Laws of the explorer's controls: they say what is drawn."""

import sys

import pytest

from neft.explore import Choices, Explorer
from neft.explore.aged_devices import hardware_at, times

START = Choices("vgg8_mnist5k_ovf", "RRAM_B", 0.1, chips=2, images=8)


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(START)


def test_every_control_draws_another_picture(explorer: Explorer) -> None:
    seen = {bytes(explorer.picture.value)}
    for name, value in {
        "sigma_d": 0.2,
        "clip": "2 std",
        "converter_bits": "3 bits",
        "network": "vgg8_mnist5k_noise_injection",
        "device": "RRAM_C_quantiles",
        "as_measured": True,
        "time_s": "1 s",
    }.items():
        explorer.controls[name].value = value
        seen.add(bytes(explorer.picture.value))
    assert len(seen) == 8
    assert all(png.startswith(b"\x89PNG") for png in seen)
    explorer.other_chips.click()
    assert bytes(explorer.picture.value) not in seen
    assert explorer.choices == Choices(
        "vgg8_mnist5k_noise_injection", "RRAM_C_quantiles", None,
        time_s=1.0, clip=2, converter_bits=3, population=1, chips=2, images=8,
    )  # fmt: skip


def test_going_back_draws_the_same_picture(explorer: Explorer) -> None:
    before = explorer.picture.value
    explorer.controls["sigma_d"].value = 0.2
    explorer.controls["sigma_d"].value = 0.1
    assert explorer.picture.value == before


def test_the_size_follows_the_time_only_as_measured(explorer: Explorer) -> None:
    sigma_d, time = explorer.controls["sigma_d"], explorer.controls["time_s"]
    assert (sigma_d.disabled, time.disabled) == (False, True)
    explorer.controls["as_measured"].value = True
    assert (sigma_d.disabled, time.disabled) == (True, False)
    for second in times("RRAM_B")[:2]:
        time.value = f"{second:g} s"
        assert sigma_d.value == hardware_at("RRAM_B", second).sigma_d_measured
    explorer.controls["as_measured"].value = False
    assert explorer.choices.sigma_d == sigma_d.value
    assert (sigma_d.disabled, time.disabled) == (False, True)


@pytest.mark.parametrize("device", ["RRAM1", "PCM", "ReRAM_NIST"])
def test_devices_without_times_or_a_size_do_not_offer_them(explorer: Explorer, device: str) -> None:
    explorer.controls["as_measured"].value = True
    explorer.controls["device"].value = device
    assert explorer.controls["time_s"].disabled
    assert explorer.controls["as_measured"].disabled == (device == "RRAM1")
    assert (explorer.choices.sigma_d is None) == (device != "RRAM1")


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"clip": 2.1}, r"^clip must be one of None, .*, got 2\.1$"),
        ({"converter_bits": 9}, r"^converter_bits must be one of None, .*, got 9$"),
        ({"time_s": 2.0}, r"^time_s must be one of None, .*, got 2\.0$"),
        ({"sigma_d": 0.5}, r"^sigma_d must be at most 0\.4, got 0\.5$"),
    ],
)
def test_a_start_without_a_place_on_its_slider_is_refused(choice: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Explorer(Choices(**{"network": START.network, "device": "RRAM_B", **choice}))


def test_a_missing_ipywidgets_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    rule = r"^explorer needs ipywidgets: pip install 'neft\[notebooks\]'$"
    with pytest.raises(ValueError, match=rule):
        Explorer(START)
