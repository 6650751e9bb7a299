"""Laws of the weights' range: clipping per channel, kurtosis and the largest weight."""

from dataclasses import replace

import pytest
import torch
from helpers.training import fit, noisy, setting
from torch import nn

from neft._utils.seeding import generator
from neft.chip import device_weights
from neft.data.datasets import Splits
from neft.training import NoiseInjection
from neft.training.weight_range import kurtosis


def test_clipping_per_channel_equals_a_loop_over_channels() -> None:
    net, *_ = setting("lenet5")
    weights = device_weights(net)
    with torch.no_grad():
        for weight in weights.values():
            weight.copy_(torch.randn(weight.shape, generator=generator("w")))
            weight[1:].mul_(0.1)  # a channel of large weights beside small ones
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    NoiseInjection(clip=1.5, clip_per="channel").after_step(noisy(net), nn.ModuleList())
    for name, weight in weights.items():
        for channel, old in zip(weight, before[name], strict=True):
            bound = 1.5 * old.std(correction=0).item()
            torch.testing.assert_close(channel, old.clamp(-bound, bound))


def test_weights_that_are_not_trained_are_not_clipped() -> None:
    net, *_ = setting("lenet5")
    frozen = net.classifier[-1].weight.requires_grad_(False)
    before = frozen.clone()
    NoiseInjection(clip=1.01).after_step(noisy(net), nn.ModuleList())
    assert torch.equal(frozen, before)


def test_kurtosis_is_that_of_known_distributions_and_ignores_shift_and_scale() -> None:
    uniform = torch.rand(200_000, generator=generator("u"), dtype=torch.float64)
    normal = torch.randn(200_000, generator=generator("n"), dtype=torch.float64)
    assert kurtosis(uniform).item() == pytest.approx(1.8, abs=0.02)
    assert kurtosis(normal).item() == pytest.approx(3.0, abs=0.06)
    assert kurtosis(torch.tensor([-1.0, 1.0])).item() == 1
    torch.testing.assert_close(kurtosis(5 - 3 * normal), kurtosis(normal))
    for equal in (torch.full((1, 1, 1, 1), 0.3), torch.zeros(4)):  # a narrow layer has one weight
        equal.requires_grad_()
        kurtosis(equal).backward()
        assert kurtosis(equal).item() == 0 and equal.grad.eq(0).all()


def test_penalties_are_those_of_a_loop_over_the_weights_on_devices() -> None:
    net, *_ = setting("lenet5")
    weights = [w.detach() for w in device_weights(net).values()]
    flat = sum((kurtosis(w) - 1.8).item() ** 2 for w in weights) / len(weights)
    largest = sum(w.abs().max().item() for w in weights)
    both = NoiseInjection(kurtosis=2.0, range_penalty=0.5).penalty(noisy(net))
    assert both.item() == pytest.approx(2 * flat + 0.5 * largest, rel=1e-5)
    assert NoiseInjection().penalty(noisy(net)) is None
    name, first = next(iter(device_weights(net).items()))
    chosen = replace(noisy(net), where=lambda weight, layer: weight == name)
    alone = NoiseInjection(range_penalty=1.0).penalty(chosen)
    assert alone.item() == first.abs().max().item()


@pytest.mark.parametrize("setting", ["kurtosis", "range_penalty"])
def test_a_penalty_lowers_what_it_measures(setting: str, tiny: Splits) -> None:
    def measured(net: nn.Module) -> float:
        return NoiseInjection(**{setting: 1.0}).penalty(noisy(net)).item()

    free, _ = fit(NoiseInjection(), tiny)
    held, _ = fit(NoiseInjection(**{setting: 1.0}), tiny)
    assert measured(held) < measured(free)
