"""Laws of programming weights onto devices."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.training import NETWORKS, noisy, setting
from helpers.variation import DRIFTING, STAIRS
from torch import nn

from neft._utils.seeding import generator
from neft.chip import (
    Hardware,
    device_weights,
    program,
    program_each,
    program_weight,
    weight_scales,
)
from neft.devices import PRESETS

SYMMETRIC = [model for model in PRESETS.values() if model.symmetric]
HARDWARE = [Hardware(model) for model in (*SYMMETRIC, STAIRS)]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    "hardware",
    [*HARDWARE, Hardware(DRIFTING), Hardware(PRESETS["PCM_drift"])],
    ids=lambda h: h.variation.name,
)
def test_without_variation_programming_is_the_identity(name: str, hardware: Hardware) -> None:
    net, *_ = setting(name)
    chip = program(net, hardware, 0.0, generator=generator("any"))
    for key, weight in device_weights(net).items():
        assert torch.equal(chip[key], weight)


@pytest.mark.parametrize("hardware", HARDWARE, ids=lambda h: h.variation.name)
def test_programming_equals_a_loop_over_weights(hardware: Hardware) -> None:
    weight = torch.randn(3, 2, 5, 5, generator=generator("w"), dtype=torch.float64)
    fast = program_weight(weight, hardware, 0.2, generator=generator("loop"))
    z = torch.randn(weight.shape, generator=generator("loop"), dtype=torch.float64)
    largest = max(abs(w) for w in weight.flatten().tolist())
    slow = []
    for w, draw in zip(weight.flatten().tolist(), z.flatten().tolist(), strict=True):
        u = torch.tensor([abs(w) / largest], dtype=torch.float64)
        r = hardware.variation.spread(u).item()
        slow.append(w + largest * hardware.slice_factor * 0.2 * r * draw)
    torch.testing.assert_close(fast.flatten(), torch.tensor(slow, dtype=torch.float64))


def moments(u: float) -> tuple[float, float]:
    """Mean and standard deviation of DRIFTING at u at its measured size, by slow integration."""
    share = min(max((u - 0.1) / 0.8, 0.0), 1.0)
    low, high = DRIFTING.quantiles
    row = [(1 - share) * a + share * b for a, b in zip(low, high, strict=True)]
    errors = np.interp((np.arange(100_000) + 0.5) / 100_000, DRIFTING.probabilities, row)
    return errors.mean(), errors.std()


@pytest.mark.parametrize("u", [0.0, 0.05, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("bits", [(8, 2), (8, 8)])
def test_a_drift_moves_the_magnitude_of_a_weight_and_is_not_averaged_out(
    u: float, sign: int, bits: tuple[int, int]
) -> None:
    """w' = w + sign(w) s (mu(u) + c (e - mu(u))): mean mu(u), standard deviation c sigma(u)."""
    n, largest, hardware = 100_000, 0.8, Hardware(DRIFTING, *bits)
    weight = torch.full((n + 1,), sign * u * largest, dtype=torch.float64)
    weight[-1] = largest
    draw = generator("drift", u, sign)
    sigma_d = DRIFTING.sigma_d_measured
    moved = (program_weight(weight, hardware, sigma_d, generator=draw) - weight)[:-1]
    moved = moved * sign / largest  # of a weight of -0.0 too
    mean, sigma = moments(u)
    sigma *= hardware.slice_factor
    fourth = ((moved - moved.mean()) ** 4).mean() / moved.var() ** 2
    assert abs(moved.mean().item() - mean) < 4 * sigma / math.sqrt(n) + 2e-4
    assert abs(moved.std().item() / sigma - 1) < 2 * math.sqrt(fourth / n) + 0.01


def test_programming_a_drifting_error_equals_a_loop_over_weights() -> None:
    """The mean is over all ranks that may be drawn, at the tabulated conductance."""
    weight = torch.randn(6, 7, generator=generator("w"), dtype=torch.float64)
    hardware, largest = Hardware(DRIFTING), weight.abs().max().item()
    fast = program_weight(weight, hardware, 0.3, generator=generator("loop"))
    every = torch.arange(4096)
    ranks = torch.randint(4096, weight.shape, generator=generator("loop"), dtype=torch.int32)
    for w, rank, found in zip(*(x.flatten().tolist() for x in (weight, ranks, fast)), strict=True):
        share = min(max((round(abs(w) / largest * 256) / 256 - 0.1) / 0.8, 0.0), 1.0)
        row = [(1 - share) * a + share * b for a, b in zip(*DRIFTING.quantiles, strict=True)]
        errors = np.interp((every + 0.5) / 4096, DRIFTING.probabilities, row)
        errors *= 0.3 / DRIFTING.sigma_d_measured
        mean, factor = errors.mean(), hardware.slice_factor
        error = mean + factor * (errors[rank] - mean)
        assert found == pytest.approx(w + math.copysign(largest, w) * error, abs=1e-12)


@pytest.mark.parametrize("sigma_d", [-0.1, math.nan, math.inf])
def test_impossible_sigma_d_is_refused(sigma_d: float) -> None:
    with pytest.raises(ValueError, match=f"sigma_d must be .*, got {sigma_d}"):
        program(nn.Linear(2, 2), HARDWARE[0], sigma_d, generator=generator("any"))


def test_all_zero_weights_stay_zero() -> None:
    zero = torch.zeros(3, 3)
    assert torch.equal(program_weight(zero, HARDWARE[0], 0.1, generator=generator("any")), zero)


@pytest.mark.parametrize("scale", ["tensor", "channel"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32])
def test_scales_computed_beforehand_change_no_bit(scale: str, dtype: torch.dtype) -> None:
    layers = nn.Linear(500, 300), nn.ConvTranspose2d(6, 8, 3, groups=2), nn.Conv2d(3, 4, 3)
    net, hardware = nn.ModuleList(layers).to(dtype), replace(HARDWARE[0], scale=scale)
    net[0].weight.data[7] = 0  # a channel without weights
    weights = device_weights(net)
    scales = weight_scales(weights, net, hardware)
    alone = program(net, hardware, 0.2, generator=generator("scales"))
    shared = program_each(
        weights, net, hardware, 0.2, generator=generator("scales"), scales=scales
    )  # fmt: skip
    assert all(torch.equal(shared[name], alone[name]) for name in weights)


@pytest.mark.parametrize("scale", ["tensor", "channel"])
def test_a_scale_is_the_largest_weight_of_its_tensor_or_channel(scale: str) -> None:
    net, hardware = nn.ModuleList([nn.Linear(5, 3)]), replace(HARDWARE[0], scale=scale)
    rows = [max(map(abs, row)) for row in net[0].weight.tolist()]
    found = weight_scales(device_weights(net), net, hardware)["0.weight"]
    assert found == max(rows) if scale == "tensor" else found.flatten().tolist() == rows


def test_a_weight_of_one_dimension_has_a_channel_each() -> None:
    weight, draw = torch.tensor([0.5, -2.0, 0.0]), generator("flat")
    hardware = replace(HARDWARE[0], scale="channel")
    errors = torch.stack(
        [program_weight(weight, hardware, 0.1, generator=draw) - weight for _ in range(4000)]
    )
    expected = 0.1 * hardware.slice_factor * weight.abs()
    torch.testing.assert_close(errors.std(0), expected, rtol=0.06, atol=0)


def test_layers_that_share_a_weight_share_its_devices() -> None:
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    net[1].weight = net[0].weight
    chip = program(net, HARDWARE[0], 0.3, generator=generator("any"))
    assert list(chip) == ["0.weight"]
    once = chip["0.weight"]
    x = torch.eye(4)
    torch.testing.assert_close(torch.func.functional_call(net, chip, (x,)), x @ once.T @ once.T)


def test_backbone_updates_running_statistics_and_feedback_does_not() -> None:
    net, x, _ = setting("lenet5", batch=8)
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    noisy(net).feedback(x, 0.25)
    assert all(torch.equal(before[name], buffer) for name, buffer in net.named_buffers())
    noisy(net).backbone(x)
    assert all(not torch.equal(before[name], buffer) for name, buffer in net.named_buffers())


def test_feedback_does_not_change_the_backbones_draws() -> None:
    net, x, _ = setting("lenet5", batch=2)
    net.eval()
    alone, beside = noisy(net), noisy(net)
    beside.feedback(x, 0.25)
    assert torch.equal(alone.backbone(x), beside.backbone(x))
