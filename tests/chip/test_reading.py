"""Laws of reading a programmed chip with read noise."""

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch
from scipy import stats
from torch import nn
from torch.utils.data import TensorDataset

from neft._utils.seeding import generator
from neft.chip import (
    Hardware,
    accuracy_over_chips,
    chip_reads,
    device_weights,
    program,
    read_noise_once,
    with_read_noise,
)
from neft.devices import PRESETS, ReadNoise

HARDWARE = Hardware(PRESETS["RRAM1"])
NOISE = ReadNoise("n", "made up", 0.01, 0.02, 1.0, 0.015, 3.0, low_Hz=0.5, high_Hz=50)
STILL = replace(NOISE, white=0, flicker=0, telegraph=0)
DEVICES = {
    "weight": HARDWARE,
    "sign_bit": replace(HARDWARE, mapping="sign_bit"),
    "differential": replace(HARDWARE, mapping="differential"),
}


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.ConvTranspose2d(2, 4, 3, groups=2), nn.Flatten(), nn.Linear(64, 300))


def programmed(net: nn.Module, hardware: Hardware = HARDWARE) -> dict[str, torch.Tensor]:
    return program(net, hardware, 0.1, generator=generator("chip"))


def read(net, chip, hardware=HARDWARE, noise=NOISE, reads=2) -> list[dict[str, torch.Tensor]]:
    every = chip_reads(chip, net, hardware, noise, interval_s=0.01, generator=generator("reads"))
    return list(islice(every, reads))


@pytest.mark.parametrize("noise", [None, STILL])
def test_without_noise_a_read_is_the_chip_and_draws_nothing(noise: ReadNoise | None) -> None:
    net, source = network(), generator("reads")
    chip = programmed(net) | {"extra": torch.ones(1)}
    reads = chip_reads(chip, net, HARDWARE, noise, interval_s=0.01, generator=source)
    for each in islice(reads, 2):
        assert each.keys() == chip.keys()
        assert all(each[name] is chip[name] for name in chip)
    assert torch.equal(source.get_state(), generator("reads").get_state())


@pytest.mark.parametrize("mapping", DEVICES)
def test_noise_of_a_weight_has_the_spread_of_the_sum_over_its_devices(mapping: str) -> None:
    """Four standard errors of a standard deviation, for 19,200 weights."""
    net, hardware = network(), DEVICES[mapping]
    chip = programmed(net, hardware)
    name, full = "2.weight", net[2].weight.abs().max().item()
    significances = [1.0, 4, 16, 64]
    factor = math.sqrt(sum(s * s for s in significances)) / sum(significances)
    factor *= math.sqrt(2) if mapping == "differential" else 1
    for each in read(net, chip, hardware):
        found = (each[name] - chip[name]).std().item() / full
        expected, n = factor * NOISE.sigma, chip[name].numel()
        assert abs(found / expected - 1) < 4 / math.sqrt(2 * n)


def test_noise_of_weights_equals_a_loop_over_weights_and_channels() -> None:
    """A transposed convolution's output channels are [groups, second dimension]."""
    net, hardware = network(), replace(HARDWARE, scale="channel")
    chip = programmed(net, hardware)
    noise = replace(NOISE, flicker=0, telegraph=0)
    draw = generator("reads")
    drawn = {
        name: torch.randn(net.get_parameter(name).shape, generator=draw)
        for name in ("0.weight", "2.weight")
    }
    (found,) = read(net, chip, hardware, noise, reads=1)
    weight = net[0].weight  # [2, 2, 3, 3], two groups of one input each
    for i in range(2):
        for o in range(2):
            full = weight[i, o].abs().max()
            error = full * hardware.slice_factor * noise.white * drawn["0.weight"][i, o]
            torch.testing.assert_close(found["0.weight"][i, o], chip["0.weight"][i, o] + error)
    for o, row in enumerate(net[2].weight):
        error = row.abs().max() * hardware.slice_factor * noise.white * drawn["2.weight"][o]
        torch.testing.assert_close(found["2.weight"][o], chip["2.weight"][o] + error)


def test_successive_reads_hang_together_as_the_noise_does() -> None:
    """Correlation of a read with the next one: sum of sizes^2 exp(-2 pi f_c t) over sigma^2."""
    net, noise = network(), replace(NOISE, white=0, flicker=0)
    chip = programmed(net)
    a, b = (each["2.weight"] - chip["2.weight"] for each in read(net, chip, noise=noise))
    found = torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1].item()
    expected = math.exp(-2 * math.pi * noise.corner_Hz * 0.01)
    assert abs(found - expected) < 4 / math.sqrt(a.numel())


def test_equal_generators_give_equal_reads_and_the_chip_stays_as_it_was() -> None:
    net = network()
    chip = programmed(net)
    before = {name: weight.clone() for name, weight in chip.items()}
    for first, second in zip(read(net, chip), read(net, chip), strict=True):
        assert all(torch.equal(first[name], second[name]) for name in chip)
        assert not torch.equal(first["2.weight"], chip["2.weight"])
    assert all(torch.equal(before[name], chip[name]) for name in chip)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_a_read_has_the_chips_dtype_and_its_gradient(dtype: torch.dtype) -> None:
    net = nn.Linear(3, 2, dtype=dtype)
    (each,) = read(net, programmed(net), reads=1)
    assert each["weight"].dtype == dtype
    each["weight"].sum().backward()
    assert net.weight.grad.tolist() == [[1] * 3] * 2


def test_chips_are_tested_on_one_read_with_their_own_programming_errors() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 3))
    draw = generator("images")
    data = TensorDataset(
        torch.randn(200, 1, 4, 4, generator=draw), torch.randint(3, (200,), generator=draw)
    )
    still, noisy, plain = (
        accuracy_over_chips(net, data, HARDWARE, 0.1, chips=4, key="k", deploy=deploy)
        for deploy in (with_read_noise(STILL), with_read_noise(NOISE), program)
    )
    assert torch.equal(still, plain)
    assert not torch.equal(noisy, plain)


@pytest.mark.parametrize("mapping", DEVICES)
@pytest.mark.parametrize("part", ["gaussian", "telegraph", "all"])
def test_one_read_drawn_at_once_has_the_distribution_of_any_read(mapping: str, part: str) -> None:
    """Two-sample Kolmogorov-Smirnov at 1 %, for 19,200 weights of each."""
    changes = {"gaussian": {"telegraph": 0}, "telegraph": {"white": 0, "flicker": 0}, "all": {}}
    net, hardware, noise = network(), DEVICES[mapping], replace(NOISE, **changes[part])
    chip, weights = programmed(net, hardware), device_weights(net)
    (each,) = read(net, chip, hardware, noise, reads=1)
    drawn = read_noise_once(weights, net, hardware, noise, generator=generator("once"))
    assert drawn.keys() == weights.keys()
    name = "2.weight"
    # A single device's telegraph noise has few values, which rounding would spread.
    found, expected = (
        (noise / net[2].weight.abs().max()).detach().double().flatten().numpy().round(5)
        for noise in (drawn[name], each[name] - chip[name])
    )
    assert stats.ks_2samp(found, expected).pvalue > 0.01


def test_one_read_is_in_units_of_each_channel_and_has_the_weights_dtype() -> None:
    net, hardware = network().half(), replace(HARDWARE, scale="channel")
    noise = replace(NOISE, white=0, flicker=0)
    weights = device_weights(net)
    drawn = read_noise_once(weights, net, hardware, noise, generator=generator("once"))
    assert drawn["2.weight"].dtype == torch.float16
    full = net[2].weight.abs().amax(1, keepdim=True).expand_as(net[2].weight).float()
    expected = full * hardware.slice_factor * noise.telegraph
    torch.testing.assert_close(drawn["2.weight"].abs().float(), expected, rtol=1e-3, atol=1e-6)


def test_impossible_reads_are_refused() -> None:
    net = network()
    with pytest.raises(ValueError, match=r"chip must hold all .*, got none for \['0.weight'\]"):
        read(net, {"2.weight": net[2].weight})
    with pytest.raises(ValueError, match="interval_s must be positive and finite, got 0"):
        chip_reads(programmed(net), net, HARDWARE, interval_s=0, generator=generator("any"))
