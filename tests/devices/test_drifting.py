"""Laws of devices that drift."""

import math
from dataclasses import replace

import pytest
import torch

from neft._utils.seeding import generator
from neft.devices import PRESETS, model_files

DRIFT, PCM = PRESETS["PCM_drift"], PRESETS["PCM"]
HOUR, DAY = 3600.0, 86_400.0
TIMES = (HOUR, DAY, 30 * DAY, 365 * DAY)
PLACES = (0.0, 0.05, 0.3, 1.0)


def published(u: float, time_s: float, n: int = 1_000_000) -> torch.Tensor:
    """Draw errors of PCM devices at u, by the published formulas in uS, as fractions of 25 uS."""
    draw = generator("published", u, time_s)
    z, other = (torch.randn(n, generator=draw, dtype=torch.float64) for _ in range(2))
    logarithm = math.log(max(u, 1e-7))
    mean = min(max(-0.0155 * logarithm + 0.0244, 0.049), 0.1)
    std = min(max(-0.0125 * logarithm - 0.0059, 0.008), 0.045)
    programmed = 25 * u + (0.26348 + 1.9650 * u - 1.1731 * u**2) * z
    drifted = programmed * ((time_s + 20) / 20) ** -(mean + std * other).abs()
    return drifted / 25 - u


@pytest.mark.parametrize("time_s", TIMES)
@pytest.mark.parametrize("u", PLACES)
def test_errors_have_the_moments_of_the_published_formulas(u: float, time_s: float) -> None:
    """Within four standard errors of both samples; the mean is at the conductance of a table."""
    model, n = DRIFT.at(time_s), 200_000
    place = torch.full((n,), u, dtype=torch.float64)
    errors = model.sample(place, model.sigma_d_measured, generator=generator("errors", u, time_s))
    expected = published(u, time_s)
    sigma, whole = expected.std().item(), len(expected)
    close = 4 * sigma * math.sqrt(1 / n + 1 / whole)
    assert abs(errors.mean() - expected.mean()) < close
    assert abs(errors.std() - sigma) < close
    assert model.spread(place[:1], model.sigma_d_measured).item() == pytest.approx(sigma, rel=5e-3)


@pytest.mark.parametrize("u", PLACES)
def test_averaged_devices_keep_the_mean(u: float) -> None:
    """With `shrink` the error is mean + shrink (error - mean), with the published mean."""
    model = DRIFT.at(DAY)
    place, size = torch.full((1000,), u, dtype=torch.float64), model.sigma_d_measured
    whole, half = (
        model.sample(place, size, generator=generator("shrink"), shrink=shrink)
        for shrink in (1.0, 0.5)
    )
    expected = published(u, DAY)
    close = 4 * expected.std().item() / len(expected) ** 0.5
    assert ((2 * half - whole) - expected.mean()).abs().max() < close


def test_at_the_first_read_the_errors_are_those_of_programming() -> None:
    u = torch.rand(1000, generator=generator("u"), dtype=torch.float64)
    first = DRIFT.at(0.0)
    for shrink in (1.0, 0.7):
        found, expected = (
            model.sample(u, 0.2, generator=generator("first"), shrink=shrink)
            for model in (first, PCM)
        )
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)
    assert first.sigma_uS(12.5) == PCM.sigma_uS(12.5)
    assert first.sigma_d_measured == pytest.approx(PCM.sigma_d_measured, rel=1e-6)


def test_size_is_the_root_mean_square_of_the_error_over_the_range() -> None:
    model, n = DRIFT.at(DAY), 400_000
    u = torch.rand(n, generator=generator("u"), dtype=torch.float64)
    squares = model.sample(u, model.sigma_d_measured, generator=generator("size")).square()
    close = 4 * squares.std().item() / math.sqrt(n)
    assert abs(squares.mean().item() - model.sigma_d_measured**2) < close


def test_a_device_keeps_its_exponent_and_the_generators_state_as_it_ages() -> None:
    """ln(G(t) / G(0)) is -nu ln(1 + t / t_0) at every time."""
    u = torch.rand(100, generator=generator("u"), dtype=torch.float64) / 2 + 0.5
    draws = [generator("chip") for _ in (0.0, *TIMES)]
    first, *later = (
        u + model.sample(u, model.sigma_d_measured, generator=draw)
        for model, draw in zip(map(DRIFT.at, (0.0, *TIMES)), draws, strict=True)
    )
    exponents = [
        -(later_one / first).log() / math.log1p(time_s / 20)
        for later_one, time_s in zip(later, TIMES, strict=True)
    ]
    for exponent in exponents:
        torch.testing.assert_close(exponent, exponents[0])
    states = [draw.get_state() for draw in draws]
    assert all(torch.equal(state, states[0]) for state in states)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"time_s": -1.0}, "time_s must be non-negative"),
        ({"first_read_s": 0.0}, "first_read_s must be positive"),
        ({"nu_std": (0.0, 0.1, 0.0, 0.2)}, r"nu_std\[2\] must be positive"),
        ({"nu_mean": (0.0, 0.1)}, "nu_mean"),
    ],
)
def test_impossible_values_are_refused(change: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        model_files.from_dict({**model_files.to_dict(DRIFT), **change})


def test_another_time_changes_nothing_else() -> None:
    assert replace(DRIFT.at(DAY), time_s=DRIFT.time_s) == DRIFT
