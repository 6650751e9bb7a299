"""Laws of read noise: what is sampled has the model's spread, correlation and spectrum."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import signal

from neft._utils.seeding import generator
from neft.devices import ReadNoise

NOISE = ReadNoise("n", "made up", 0.01, 0.02, 1.1, 0.015, 3.0, low_Hz=0.5, high_Hz=50)
INTERVAL = 0.01
ONE_PART = {
    "white": replace(NOISE, flicker=0, telegraph=0),
    "flicker": replace(NOISE, white=0, telegraph=0),
    "telegraph": replace(NOISE, white=0, flicker=0),
    "all": NOISE,
}
each_part = pytest.mark.parametrize("part", ONE_PART)


def draw(noise: ReadNoise, shape: tuple[int, ...], reads: int, *key: str) -> torch.Tensor:
    return noise.sample(
        shape, reads, interval_s=INTERVAL, generator=generator("noise", *key), dtype=torch.float64
    )


@each_part
def test_every_read_has_the_models_spread_and_mean_zero(part: str) -> None:
    """Four standard errors; a kurtosis of at most 3 gives the Gaussian one of a deviation."""
    noise, n = ONE_PART[part], 100_000
    reads = draw(noise, (n,), 3, part)
    assert reads.mean(1).abs().max() < 4 * noise.sigma / math.sqrt(n)
    assert (reads.std(1) - noise.sigma).abs().max() < 4 * noise.sigma / math.sqrt(2 * n)


@each_part
def test_sampled_spectrum_is_the_models(part: str) -> None:
    """Mean periodogram of 400 devices, 5 % of one value: four standard errors in bands of 10."""
    noise = ONE_PART[part]
    reads = draw(noise, (400,), 512, "spectrum", part).numpy().T
    frequency, density = signal.welch(reads, 1 / INTERVAL, nperseg=512, detrend=False)
    ratio = density.mean(0) / noise.spectrum(frequency, INTERVAL)
    bands = ratio[3:253].reshape(25, 10).mean(1)  # the window mixes the lowest frequencies
    # Hann: a value shares 4/9 of its variance with each neighbour, 1/36 with the next ones.
    error = math.sqrt((1 + 2 * (4 / 9 + 1 / 36)) / (400 * 10))
    assert np.abs(bands - 1).max() < 4 * error + 0.01  # leakage


@each_part
def test_spectrum_is_the_transform_of_a_sum_over_exponential_correlations(part: str) -> None:
    """An independent sum over lags: c(k) = white^2 [k = 0] + sum of sizes^2 exp(-2 pi f_c k dt)."""
    noise, lags = ONE_PART[part], np.arange(1, 4000)
    corners = [0.5 * 100 ** (i / 4) for i in range(5)]  # from 0.5 to 50 Hz by at most 4
    weights = [corner ** (1 - noise.exponent) for corner in corners]
    variances = [noise.flicker**2 * w / sum(weights) for w in weights]
    pairs = [*zip(variances, corners, strict=True), (noise.telegraph**2, noise.corner_Hz)]
    for f in (0.0, 0.7, 13.0, 50.0):
        total = noise.white**2
        for variance, corner in pairs:
            kept = np.exp(-2 * np.pi * corner * INTERVAL * lags)
            total += variance * (1 + 2 * np.sum(kept * np.cos(2 * np.pi * f * INTERVAL * lags)))
        found = noise.spectrum(np.array([f]), INTERVAL)
        assert found == pytest.approx(2 * INTERVAL * total, rel=1e-6)


@pytest.mark.parametrize("exponent", [0.6, 1.0, 1.4])
def test_flicker_falls_as_its_exponent_says_between_its_ends(exponent: float) -> None:
    noise = replace(ONE_PART["flicker"], exponent=exponent, low_Hz=1e-3, high_Hz=1e3)
    f = np.geomspace(0.1, 10, 30)
    slope = np.gradient(np.log(noise.spectrum(f, 1e-5)), np.log(f))
    assert slope == pytest.approx(np.full(30, -exponent), abs=0.07)


def test_telegraph_has_two_states_that_last_as_its_corner_says() -> None:
    """A state lasts 1 / (pi corner) s; the share of switches has the error of a proportion."""
    noise, n = ONE_PART["telegraph"], 20_000
    reads = draw(noise, (n,), 11, "telegraph")
    assert torch.equal(reads.abs(), torch.full_like(reads, noise.telegraph))
    switches = (reads[1:] != reads[:-1]).double().mean().item()
    # Over an interval t, an odd number of jumps at the rate pi corner: (1 - exp(-2 pi f t)) / 2.
    expected = (1 - math.exp(-2 * math.pi * noise.corner_Hz * INTERVAL)) / 2
    assert abs(switches - expected) < 4 * math.sqrt(expected / (10 * n))


def test_devices_are_independent_and_the_same_generator_state_gives_the_same_bits() -> None:
    first, second = (draw(NOISE, (2, 20_000), 2, "bits") for _ in range(2))
    assert torch.equal(first, second)
    assert abs(torch.corrcoef(first[0])[0, 1].item()) < 4 / math.sqrt(20_000)


def test_more_reads_begin_with_the_fewer() -> None:
    assert torch.equal(draw(NOISE, (5,), 7, "few")[:3], draw(NOISE, (5,), 3, "few"))


def test_noise_of_size_0_is_0_and_draws_nothing() -> None:
    still, source = replace(NOISE, white=0, flicker=0, telegraph=0), generator("still")
    assert not still.sample((9,), 4, interval_s=1, generator=source).any()
    assert torch.equal(source.get_state(), generator("still").get_state())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"white": -0.1}, "white must be non-negative and finite, got -0.1"),
        ({"telegraph": math.nan}, "telegraph must be non-negative and finite, got nan"),
        ({"exponent": 2.1}, r"exponent must be in \[0, 2\], got 2.1"),
        ({"corner_Hz": 0}, "corner_Hz must be positive and finite, got 0"),
        ({"low_Hz": 50}, "low_Hz must be below high_Hz, got 50 and 50"),
    ],
)
def test_impossible_values_are_refused(change: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        replace(NOISE, **change)


@pytest.mark.parametrize(
    ("reads", "interval_s", "said"),
    [(0, 1.0, "reads must be at least 1, got 0"), (1, 0.0, "interval_s must be positive")],
)
def test_impossible_reads_are_refused(reads: int, interval_s: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NOISE.sample((1,), reads, interval_s=interval_s, generator=generator("any"))
