"""Laws of the baselines and of clipping."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from neft import networks
from neft._utils.seeding import generator
from neft.characterize.bundled import LEVELS
from neft.characterize.reads import read_level_table
from neft.characterize.variation_models import at_time, empirical
from neft.chip import Hardware, device_weights
from neft.devices import PRESETS
from neft.training import (
    IRS,
    OVF,
    CorrectNet,
    NoiseFree,
    NoiseInjection,
    NoisyForward,
    RightCensored,
    ScaledLogits,
)
from neft.training.baselines import orthogonality_penalty

HARDWARE = Hardware(PRESETS["RRAM4"])
LABELS = torch.tensor([0, 3, 1, 2])


def network() -> nn.Module:
    return networks.build("lenet5", classes=10, channels=1, width=0.5, seed=0)


def images() -> torch.Tensor:
    return torch.randn(4, 1, 32, 32, generator=generator("x"))


def noisy(net: nn.Module, hardware: Hardware = HARDWARE) -> NoisyForward:
    return NoisyForward(net, hardware, 0.1, generator("backbone"), generator("feedback"))


def loss(method) -> torch.Tensor:
    return method.loss(noisy(network()), nn.ModuleList(), images(), LABELS)


SHAPES = [(3, 5), (7, 2), (4, 3, 3), (6, 2, 3, 3), (2, 6, 3, 3), (2, 2, 2, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("lipschitz", [0.0, 0.7, 1.0])
def test_penalty_equals_the_dense_computation(shape: tuple[int, ...], lipschitz: float) -> None:
    weight = torch.randn(shape, generator=generator("w"), dtype=torch.float64)

    def dense(matrix: torch.Tensor) -> float:
        columns = matrix.shape[1]
        total = 0.0
        for i in range(columns):
            for j in range(columns):
                entry = sum(matrix[r, i].item() * matrix[r, j].item() for r in range(len(matrix)))
                total += (entry - (lipschitz if i == j else 0.0)) ** 2
        return total

    unrolled = dense(weight.reshape(shape[0], -1))
    places = weight.reshape(*shape[:2], -1)
    slices = sum(dense(places[:, :, k]) for k in range(places.shape[2]))
    for per_slice, expected in ((False, unrolled), (True, slices)):
        fast = orthogonality_penalty(weight, lipschitz, per_slice=per_slice)
        assert fast.item() == pytest.approx(expected)


@pytest.mark.parametrize("lipschitz", [0.25, 1.0, 3.0])
def test_penalty_of_orthogonal_columns_is_zero(lipschitz: float) -> None:
    square = torch.randn(8, 8, generator=generator("q"), dtype=torch.float64)
    q = torch.linalg.qr(square).Q * math.sqrt(lipschitz)
    assert orthogonality_penalty(q, lipschitz, per_slice=False).item() == pytest.approx(0, abs=1e-9)
    kernel = torch.stack([q, -q, q.mT], dim=2)
    assert orthogonality_penalty(kernel, lipschitz, per_slice=True).item() == pytest.approx(
        0, abs=1e-9
    )
    assert orthogonality_penalty(1.1 * q, lipschitz, per_slice=False) > 0


@pytest.mark.parametrize("form", ["unrolled", "per_slice"])
@pytest.mark.parametrize(("noise", "plain"), [(False, NoiseFree()), (True, NoiseInjection())])
def test_correctnet_adds_the_penalty_of_all_layers_to_the_loss(form, noise, plain) -> None:
    penalty = sum(
        orthogonality_penalty(weight, 0.5, per_slice=form == "per_slice")
        for weight in device_weights(network()).values()
    )
    method = CorrectNet(beta=0.01, lipschitz=0.5, form=form, noise=noise)
    assert loss(method).item() == pytest.approx((loss(plain) + 0.01 * penalty).item())
    assert torch.equal(loss(replace(method, beta=0.0)), loss(plain))


def test_correctnets_penalty_has_its_gradient_at_every_weight() -> None:
    net = network()
    weights = device_weights(net)
    CorrectNet(beta=1e6).loss(noisy(net), nn.ModuleList(), images(), LABELS).backward()
    for weight in weights.values():
        w = weight.detach().flatten(1)
        gradient = 4e6 * (w @ w.T @ w - w)
        difference = (weight.grad.flatten(1) - gradient).abs().max()
        assert difference < 1e-4 * gradient.abs().max()


def test_right_censored_with_a_large_bound_equals_noise_injection() -> None:
    assert torch.equal(loss(RightCensored(bound=50.0)), loss(NoiseInjection()))
    assert not torch.equal(loss(RightCensored(bound=0.0)), loss(NoiseInjection()))


def test_right_censored_refuses_errors_that_are_not_gaussian() -> None:
    model = empirical(at_time(read_level_table(LEVELS), "RRAM_B", 1e4))
    forward = noisy(network(), Hardware(model, mapping="sign_bit"))
    with pytest.raises(ValueError, match="needs Gaussian errors of mean 0, got RRAM_B_quantiles"):
        RightCensored().loss(forward, nn.ModuleList(), images(), LABELS)


def test_a_divisor_scales_the_logits_of_any_baseline_as_scaled_logits_do() -> None:
    free, noisy_logits = (
        noisy(network()).backbone(images(), sigma_d=sigma_d) for sigma_d in (0.0, None)
    )
    for method, logits in (
        (NoiseFree(), free),
        (NoiseInjection(), noisy_logits),
        (CorrectNet(beta=0.0), free),
        (RightCensored(bound=50.0), noisy_logits),
    ):
        scaled = loss(replace(method, divisor=5.0)).item()
        assert scaled == pytest.approx(F.cross_entropy(logits / 5, LABELS).item())
    assert torch.equal(loss(ScaledLogits()), loss(NoiseInjection(divisor=4)))


def test_clipping_keeps_weights_within_its_standard_deviations() -> None:
    net, heads = network(), nn.Sequential(nn.Linear(40, 30))
    with torch.no_grad():
        for weight in [*device_weights(net).values(), heads[0].weight]:
            weight.copy_(torch.randn(weight.shape, generator=generator("w")))
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    head = heads[0].weight.clone()
    NoiseInjection(clip=2.0).after_step(noisy(net), heads)
    for name, tensor in net.state_dict().items():
        if name in device_weights(net):
            bound = 2 * before[name].std(correction=0)
            assert torch.equal(tensor, before[name].clamp(-bound, bound))
            assert tensor.abs().max() < before[name].abs().max()
        else:
            assert torch.equal(tensor, before[name])
    assert not torch.equal(heads[0].weight, head)


def test_penalty_and_clipping_use_only_the_weights_on_devices() -> None:
    net, first = network(), "features.conv1.0.weight"
    weights = device_weights(net)
    with torch.no_grad():
        for weight in weights.values():
            weight[0].fill_(9.0)
    forward = replace(noisy(net), where=lambda name, layer: name == first)
    CorrectNet(clip=1.5).after_step(forward, nn.ModuleList())
    assert {name for name, weight in weights.items() if weight.max() < 9} == {first}
    method = CorrectNet(beta=1.0)
    added = method.loss(forward, nn.ModuleList(), images(), LABELS)
    added -= replace(method, beta=0.0).loss(forward, nn.ModuleList(), images(), LABELS)
    expected = orthogonality_penalty(weights[first], 1.0, per_slice=False)
    assert added.item() == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize("method", [NoiseInjection(), OVF(0.1), IRS(0.1), CorrectNet()])
def test_without_clip_no_weight_changes_after_a_step(method) -> None:
    net = network()
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    method.after_step(noisy(net), nn.ModuleList())
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
