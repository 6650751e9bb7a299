"""Laws of drift compensation: a common drift is undone, and no drift is left alone."""

import pytest
import torch
from helpers.variation import DRIFTING
from torch import nn

from neft import networks
from neft._utils.seeding import generator, seeded
from neft.chip import Deploy, Hardware, device_weights, program
from neft.devices import PRESETS
from neft.evaluation.drift import drift_factors, program_compensated

NETWORK = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
WEIGHTS = device_weights(NETWORK)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_common_drift_of_a_layer_is_undone(dtype: torch.dtype) -> None:
    weights = {name: weight.detach().to(dtype) for name, weight in WEIGHTS.items()}
    left = {name: 2.0**-i for i, name in enumerate(weights)}  # exact in floating point
    factors = drift_factors(weights, {name: left[name] * w for name, w in weights.items()})
    assert len(set(left.values())) == 5
    for name, weight in weights.items():
        assert torch.equal(factors[name] * (left[name] * weight), weight)
    drifted = {name: 0.83 * w for name, w in weights.items()}
    for name, factor in drift_factors(weights, drifted).items():
        torch.testing.assert_close(factor * drifted[name], weights[name])


@pytest.mark.parametrize("mapping", ["weight", "differential"])
def test_without_errors_the_compensation_is_the_identity(mapping: str) -> None:
    hardware = Hardware(PRESETS["RRAM1"], 16, 4, mapping=mapping)
    programmed = program(NETWORK, hardware, 0.0, generator=generator("chip"))
    found = program_compensated(NETWORK, hardware, 0.0, generator=generator("chip"))
    for name, weight in programmed.items():
        if mapping == "weight":
            assert torch.equal(found[name], weight)
        torch.testing.assert_close(found[name], weight, rtol=1e-4, atol=0)


def test_the_sum_of_the_conductances_in_use_is_that_of_the_weights() -> None:
    hardware = Hardware(DRIFTING)
    chip = program(NETWORK, hardware, 0.1, generator=generator("chip"))
    found = program_compensated(NETWORK, hardware, 0.1, generator=generator("chip"))
    for name, weight in WEIGHTS.items():
        moved, back = (
            sum(c if w > 0 else -c for c, w in zip(each, weight.flatten().tolist(), strict=True))
            for each in (chip[name].flatten().tolist(), found[name].flatten().tolist())
        )
        whole = weight.abs().sum().item()
        assert back == pytest.approx(whole, rel=1e-4) and abs(moved / whole - 1) > 1e-3


def test_factors_are_near_one_where_errors_have_mean_zero() -> None:
    """1 / a is 1 plus the sum of the errors over that of |w|: its spread follows from theirs."""
    hardware = Hardware(PRESETS["RRAM1"])
    with seeded("drift"):
        layer = nn.Linear(200, 100)
    weights, draw = device_weights(layer), generator("chips")
    size = weights["weight"].abs()
    spread = 0.1 * hardware.slice_factor * size.max() * size.numel() ** 0.5 / size.sum()
    inverse = torch.stack(
        [
            1 / drift_factors(weights, program(layer, hardware, 0.1, generator=draw))["weight"]
            for _ in range(200)
        ]
    )
    assert (inverse.mean() - 1).abs() < 4 * spread / 200**0.5
    assert inverse.std() == pytest.approx(spread.item(), rel=4 / 400**0.5)


def test_a_layer_whose_sum_says_nothing_is_left_alone() -> None:
    weights = {"zero": torch.zeros(3, 3), "turned": torch.ones(2, 2)}
    chip = {"zero": torch.ones(3, 3), "turned": -torch.ones(2, 2)}
    assert drift_factors(weights, chip) == {"zero": 1.0, "turned": 1.0}


@pytest.mark.parametrize("mapping", ["weight", "differential"])
@pytest.mark.parametrize("time_s", [3600.0, 86_400.0, 30 * 86_400.0, 365 * 86_400.0])
def test_compensation_removes_most_of_the_mean_error_of_drifted_pcm(
    mapping: str, time_s: float
) -> None:
    """The mean over chips of a layer's outputs; what is left is that small weights drift faster."""
    hardware = Hardware(PRESETS["PCM_drift"].at(time_s), mapping=mapping)
    with seeded("pcm"):
        layer, inputs = nn.Linear(100, 50, bias=False), torch.randn(20, 100)
    outputs, size = layer(inputs), hardware.sigma_d_measured

    def mean_error(deploy: Deploy) -> float:
        draw = generator("chips")
        chips = [deploy(layer, hardware, size, generator=draw)["weight"] for _ in range(50)]
        mean = torch.stack(chips).mean(0)
        return ((inputs @ mean.T - outputs).norm() / outputs.norm()).item()

    assert mean_error(program_compensated) < mean_error(program) / 3
