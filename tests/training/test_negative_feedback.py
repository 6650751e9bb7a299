"""Laws of negative feedback training: the loss, OVF and IRS."""

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from helpers.training import NETWORKS, setting
from helpers.training import noisy as noisy_on
from torch import nn

from neft._utils.seeding import generator, seeded
from neft.chip import DEVICE_LAYERS, Hardware, device_weights
from neft.devices import PRESETS
from neft.training import IRS, OVF, ScaledLogits
from neft.training.negative_feedback import negative_feedback_loss

HARDWARE = Hardware(PRESETS["RRAM4"])
noisy = partial(noisy_on, hardware=HARDWARE)


@pytest.mark.parametrize("seed", range(5))
def test_loss_is_the_papers_formula(seed: int) -> None:
    """For any a_b, a_f, beta, gamma and N."""
    draw = generator("loss", seed)
    a_b, a_f, beta, *gammas = torch.rand(4 + seed, generator=draw, dtype=torch.float64).tolist()
    z = torch.randn(len(gammas) + 1, 6, 3, generator=draw, dtype=torch.float64)
    y = torch.randint(3, (6,), generator=draw)
    fast = negative_feedback_loss(
        z[0], list(z[1:]), y, beta=beta, gammas=gammas, backbone_scale=a_b, feedback_scale=a_f
    )
    assert fast.item() == pytest.approx(slow_loss(z, y, a_b, a_f, beta, gammas))


def slow_loss(z, y, a_b: float, a_f: float, beta: float, gammas: list[float]) -> float:
    slow = 0.0
    for i in range(len(y)):
        logits = []
        for k in range(z.shape[2]):
            total = 0.0
            for n, gamma in enumerate(gammas, start=1):
                total += gamma * z[n, i, k].item()
            logits.append(a_b * z[0, i, k].item() - a_f * beta * total)
        exponentials = [math.exp(value) for value in logits]
        slow -= math.log(exponentials[y[i]] / sum(exponentials)) / len(y)
    return slow


@pytest.mark.parametrize("count", [1, 3, 4])
def test_published_settings_are_the_default(count: int) -> None:
    draw = generator("published", count)
    z = torch.randn(count + 1, 6, 3, generator=draw, dtype=torch.float64)
    y = torch.randint(3, (6,), generator=draw)
    a, gammas = 1 / (count + 1), [10 ** -(n - 1) for n in range(1, count + 1)]
    default = negative_feedback_loss(z[0], list(z[1:]), y, beta=0.3)
    assert default.item() == pytest.approx(slow_loss(z, y, a, a, 0.3, gammas))


def test_methods_pass_their_settings_to_the_loss() -> None:
    net, inputs, labels = setting("lenet5")
    settings = {"gammas": (0.7, -0.2), "backbone_scale": 0.6, "feedback_scale": 0.4}
    method = OVF(0.3, increments=(0.2, 0.0), **settings)
    loss = method.loss(noisy(net), nn.ModuleList(), inputs, labels)
    forward = noisy(net)
    z = [
        forward.backbone(inputs),
        forward.feedback(inputs, 0.1 + 0.2),
        forward.feedback(inputs, 0.1),
    ]
    assert torch.equal(loss, negative_feedback_loss(z[0], z[1:], labels, beta=0.3, **settings))


@pytest.mark.parametrize("method", [OVF(0.3), IRS(0.3, hidden=16)], ids=["ovf", "irs"])
def test_feedback_gradient_changes_the_gradient_and_not_the_loss(method) -> None:
    """Without it the gradient is that of the loss with the feedback logits held constant."""
    losses, gradients = [], []
    for on in (True, False):
        net, inputs, labels = setting("lenet5")
        with seeded("heads"):
            heads = method.auxiliary(net, inputs)
        each = replace(method, feedback_gradient=on)
        loss = each.loss(noisy(net), heads, inputs, labels)
        loss.backward()
        losses.append(loss.detach())
        gradients.append([p.grad for p in net.parameters()])
        assert all((p.grad is not None) == on for p in heads.parameters())
    assert torch.equal(*losses)
    assert not all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_without_feedback_gradient_feedback_is_a_constant() -> None:
    net, inputs, labels = setting("lenet5")
    method = OVF(0.3, feedback_gradient=False)
    method.loss(noisy(net), nn.ModuleList(), inputs, labels).backward()
    gradients = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    forward = noisy(net)
    backbone = forward.backbone(inputs)
    feedback = [forward.feedback(inputs, 0.1 + step).detach() for step in method.increments]
    negative_feedback_loss(backbone, feedback, labels, beta=0.3).backward()
    assert all(torch.equal(a, p.grad) for a, p in zip(gradients, net.parameters(), strict=True))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_of_ovfs_feedback_sees_the_larger_variation(name: str) -> None:
    """Each layer's error, divided by its spread at sigma_d = 1, has the published sigma_d."""
    net, inputs, labels = setting(name)
    sigma_d = 0.1
    original = {key: weight.detach().clone() for key, weight in device_weights(net).items()}
    seen: dict[str, list[float]] = {key: [] for key in original}

    def record(key: str):
        def hook(layer: nn.Module, args: tuple) -> None:
            scale = original[key].abs().max()
            unit = HARDWARE.variation.spread(original[key].abs() / scale) * scale
            error = (layer.weight - original[key]) / (unit * HARDWARE.slice_factor)
            seen[key].append(error.std().item())

        return hook

    for key, layer in net.named_modules():
        if isinstance(layer, DEVICE_LAYERS):
            layer.register_forward_pre_hook(record(f"{key}.weight"))
    OVF(beta=0.1).loss(noisy(net, sigma_d), nn.ModuleList(), inputs, labels)
    for key, spreads in seen.items():
        expected = [sigma_d, *(sigma_d + step for step in (0.15, 0.10, 0.05))]
        tolerance = 5 / math.sqrt(2 * original[key].numel())
        assert spreads == pytest.approx(expected, rel=tolerance), key


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(
    "method",
    [OVF(0.0), OVF(0.0, increments=(0.1,)), OVF(0.0, increments=(0.1,) * 5), IRS(0.0, hidden=16)],
    ids=["ovf", "ovf1", "ovf5", "irs"],
)
def test_without_beta_the_gradients_are_those_of_scaled_logits_to_the_bit(
    name: str, method
) -> None:
    gradients = []
    count = len(setting(name)[0].snapshots) if isinstance(method, IRS) else len(method.increments)
    for each in (method, ScaledLogits(divisor=count + 1)):
        net, inputs, labels = setting(name)
        each.loss(noisy(net), each.auxiliary(net, inputs), inputs, labels).backward()
        gradients.append([p.grad for p in net.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))
