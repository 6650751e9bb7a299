"""Choices are checked when they are made."""

import pytest

from neft.chip import Hardware
from neft.explore import Choices

NETWORK = "vgg8_mnist5k_ovf"


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"network": "vgg9"}, r"^network must be one of vgg8_.*, got 'vgg9'$"),
        ({"device": "RRAM_D"}, r"^device must be one of RRAM1, .*, got 'RRAM_D'$"),
        ({"sigma_d": -0.1}, r"^sigma_d must be non-negative and finite, got -0\.1$"),
        ({"sigma_d": float("nan")}, r"^sigma_d must be non-negative and finite, got nan$"),
        (
            {"sigma_d": None, "device": "RRAM1"},
            r"^variation must have a measured size, got 'RRAM1'",
        ),
        ({"time_s": 1.0, "device": "RRAM1"}, r"^time_s of RRAM1 must be None, .*, got 1\.0$"),
        ({"clip": 1.0}, r"^clip must be above 1 and finite, got 1\.0$"),
        ({"clip": float("inf")}, r"^clip must be above 1 and finite, got inf$"),
        ({"converter_bits": 1}, r"^dac_bits must be at least 2, got 1$"),
        ({"converter_bits": 2.5}, r"^dac_bits must be a whole number, got 2\.5$"),
        ({"population": -1}, r"^population must be at least 0, got -1$"),
        ({"chips": 1}, r"^chips must be at least 2, got 1$"),
        ({"images": 0}, r"^images must be at least 1, got 0$"),
        ({"images": 10}, r"^images must be a multiple of 4, got 10$"),
    ],
)
def test_faults_are_named(choice: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Choices(**{"network": NETWORK, "device": "RRAM_B", **choice})


def test_no_sigma_d_is_the_measured_one() -> None:
    measured = Choices(NETWORK, "RRAM_B", None)
    assert measured.size == Hardware.load("RRAM_B").sigma_d_measured
    assert Choices(NETWORK, "RRAM_B", 0.2).size == 0.2
