"""Laws of named devices at a time."""

from dataclasses import fields, replace

import numpy as np
import pytest

from neft.chip import Hardware
from neft.devices import MODEL_NAMES, PRESETS, DriftingGaussian
from neft.explore.aged_devices import hardware_at, times


@pytest.mark.parametrize("device", MODEL_NAMES)
def test_the_last_time_is_the_named_model_and_other_presets_have_no_time(device: str) -> None:
    known = times(device)
    assert known == sorted(set(known))
    drifts = isinstance(PRESETS.get(device), DriftingGaussian)
    assert bool(known) == (device not in PRESETS or drifts)
    last = known[-1] if known else None
    found, named = hardware_at(device, last), hardware_at(device)
    assert named == Hardware.load(device)
    assert replace(found, variation=named.variation) == named
    for field in fields(named.variation):
        one, other = (getattr(each.variation, field.name) for each in (found, named))
        if isinstance(other, tuple):
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)  # splines differ
        else:
            assert one == other


def test_relaxing_devices_err_more_at_the_last_time_than_at_the_first() -> None:
    for device in ("RRAM_B", "RRAM_C_quantiles", "RRAM_C_smooth", "PCM_drift"):
        ends = times(device)[0], times(device)[-1]
        first, last = (hardware_at(device, time).sigma_d_measured for time in ends)
        assert first < last


def test_drifting_presets_begin_as_they_were_programmed() -> None:
    first = hardware_at("PCM_drift", times("PCM_drift")[0])
    assert first.sigma_d_measured == pytest.approx(PRESETS["PCM"].sigma_d_measured)


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match=r"^device must be one of RRAM1, .*, got 'RRAM_D'$"):
        hardware_at("RRAM_D")
    with pytest.raises(ValueError, match=r"^time_s of PCM must be None, as .*, got 1\.0$"):
        hardware_at("PCM", 1.0)
    with pytest.raises(ValueError, match=r"^time_s of RRAM_B must be .*, got 1000000.0$"):
        hardware_at("RRAM_B", 1e6)
