"""Laws of the trainings that look for bad weights nearby."""

from dataclasses import replace

import pytest
import torch
from helpers.training import noisy, setting
from torch import Tensor, nn
from torch.nn import functional as F

from neft._utils.seeding import generator
from neft.chip import Hardware, device_weights, error_deviations, program
from neft.devices import PRESETS
from neft.training import NoiseInjection, ParameterAttack, SharpnessAware

NONE = nn.ModuleList()
FORMS = ["sam", "asam", "awp"]


def gradients(method, net: nn.Module, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
    net.zero_grad()
    method.loss(noisy(net), NONE, inputs, labels).backward()
    return {name: weight.grad.clone() for name, weight in device_weights(net).items()}


@pytest.mark.parametrize("form", FORMS)
def test_the_move_is_the_published_one(form: str) -> None:
    draw = generator("moves")
    weights = {name: torch.randn(4, 3, generator=draw) for name in "ab"}
    slopes = {name: torch.randn(4, 3, generator=draw) for name in "ab"}
    found = SharpnessAware(form, 0.3).delta(weights, slopes)
    w, g = (torch.cat([each[name].flatten() for name in "ab"]) for each in (weights, slopes))
    if form == "sam":
        expected = 0.3 * g / g.norm()
    elif form == "asam":
        expected = 0.3 * w**2 * g / (w.abs() * g).norm()
    else:
        parts = [0.3 * weights[n].norm() * slopes[n] / slopes[n].norm() for n in "ab"]
        expected = torch.cat([part.flatten() for part in parts])
    torch.testing.assert_close(torch.cat([found[name].flatten() for name in "ab"]), expected)


@pytest.mark.parametrize("form", FORMS)
def test_the_gradient_is_that_of_the_same_chip_with_moved_weights(form: str) -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    net.eval()
    method = SharpnessAware(form, 0.1)
    found = gradients(method, net, inputs, labels)
    chip = {name: w.detach() for name, w in noisy(net).program().items()}

    def slopes(weights: dict[str, Tensor]) -> dict[str, Tensor]:
        leaves = {name: w.clone().requires_grad_() for name, w in weights.items()}
        logits = torch.func.functional_call(net, leaves, (inputs,))
        loss = F.cross_entropy(logits, labels)
        return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))

    own = {name: w.detach() for name, w in device_weights(net).items()}
    delta = method.delta(own, slopes(chip))
    expected = slopes({name: chip[name] + delta[name] for name in chip})
    for name in found:
        torch.testing.assert_close(found[name], expected[name], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("method", [SharpnessAware(radius=0.0), ParameterAttack(beta=0.0)])
def test_without_strength_the_gradient_is_that_of_noise_injection(method) -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    own = gradients(method, net, inputs, labels)
    plain = gradients(NoiseInjection(), net, inputs, labels)
    for name in own:
        torch.testing.assert_close(own[name], plain[name], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("method", [SharpnessAware(), ParameterAttack()])
def test_only_one_pass_updates_the_running_statistics(method) -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    method.loss(noisy(net), NONE, inputs, labels)
    assert {int(b) for n, b in net.named_buffers() if n.endswith("tracked")} == {1}


def test_the_attack_stays_within_its_radius_and_does_more_than_random_errors() -> None:
    net, inputs, _ = setting("lenet5", batch=32)
    net.eval()
    forward = noisy(net, 0.05)
    clean = net(inputs).log_softmax(1).detach()
    deviations = error_deviations(forward.weights, net, forward.hardware, 0.05)
    method = ParameterAttack(radius=1.0, steps=3)
    delta = method.attack(forward, inputs, clean)
    assert all((delta[n].abs() <= deviations[n] * 1.0001).all() for n in delta)

    def harm(moves: dict[str, Tensor]) -> float:
        return method._divergence(forward, moves, inputs, clean).item()

    draw = generator("random")
    signs = [
        {n: d * (torch.rand(d.shape, generator=draw) < 0.5).float().mul(2).sub(1)
         for n, d in deviations.items()}
        for _ in range(5)
    ]  # fmt: skip
    assert harm(delta) > 2 * max(map(harm, signs))


@pytest.mark.parametrize("scale", ["tensor", "channel"])
@pytest.mark.parametrize("preset", ["RRAM1", "RRAM4", "PCM"])
def test_deviations_are_those_of_many_programmed_chips(preset: str, scale: str) -> None:
    layers = nn.Linear(6, 4, bias=False), nn.ConvTranspose2d(4, 6, 2, groups=2)
    net = nn.ModuleList(layers)
    hardware = replace(Hardware(PRESETS[preset]), scale=scale)
    weights, draw, n = device_weights(net), generator("many"), 4000
    found = error_deviations(weights, net, hardware, 0.2)
    with torch.no_grad():
        chips = [program(net, hardware, 0.2, generator=draw) for _ in range(n)]
    for name in weights:
        spread = torch.stack([chip[name] for chip in chips]).std(0)
        ratio = spread / found[name]
        assert (ratio - 1).abs().max() < 5 / (2 * n) ** 0.5


def test_deviations_of_single_devices_are_refused() -> None:
    net = nn.Linear(2, 2)
    hardware = Hardware(PRESETS["RRAM1"], mapping="differential")
    with pytest.raises(ValueError, match="mapping must be one of weight, got 'differential'"):
        error_deviations(device_weights(net), net, hardware, 0.1)
