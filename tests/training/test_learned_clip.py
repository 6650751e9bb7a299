"""Laws of the learned clip: who gets a gradient, where bounds start, and what is kept."""

import copy
import math

import pytest
import torch
from helpers.training import fit, noisy, setting

from neft.chip import device_weights
from neft.data.datasets import Splits
from neft.training import LearnedClip, NoiseInjection
from neft.training.learned_clip import Bounds

METHOD = LearnedClip()


def test_gradients_equal_those_of_a_slow_loop() -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    bounds = METHOD.auxiliary(net, inputs)
    bounds.start(device_weights(net))
    with torch.no_grad():
        for bound in bounds.bounds:
            bound.mul_(0.6)
    METHOD.loss(noisy(net), bounds, inputs, labels).backward()
    slow = copy.deepcopy(net)
    slow.zero_grad()
    weights = device_weights(net)
    for name, weight in device_weights(slow).items():
        bound = bounds.bounds[bounds.places[name]]
        weight.data = torch.minimum(torch.maximum(weight.data, -bound.data), bound.data)
    NoiseInjection().loss(noisy(slow), torch.nn.ModuleList(), inputs, labels).backward()
    for name, reached in device_weights(slow).items():
        bound, total = bounds.bounds[bounds.places[name]], 0
        for channel, weight in enumerate(weights[name]):
            beyond = weight.abs() >= bound[channel]
            assert beyond.any() and not beyond.all()
            expected = torch.where(beyond, 0.0, reached.grad[channel])
            torch.testing.assert_close(weights[name].grad[channel], expected)
            pull = sum(
                math.copysign(1, w) * g for w, g, out in zip(
                    weight.flatten().tolist(), reached.grad[channel].flatten().tolist(),
                    beyond.flatten().tolist(), strict=True,
                ) if out
            )  # fmt: skip
            found = bound.grad[channel].item() * math.sqrt(weights[name].numel())
            assert math.isclose(found, pull, rel_tol=1e-3, abs_tol=1e-5)
            total += beyond.sum()


def test_bounds_start_at_the_largest_weight_so_that_nothing_is_clipped() -> None:
    """The weights are those at the first loss, after a pretraining."""
    net, inputs, labels = setting("vgg8", batch=2)
    bounds = Bounds(net)
    with torch.no_grad():
        for weight in device_weights(net).values():
            weight.mul_(3)
    METHOD.loss(noisy(net), bounds, inputs, labels)
    for name, weight in device_weights(net).items():
        assert torch.equal(bounds.clip(name, weight), weight)
        found = bounds.bounds[bounds.places[name]].flatten()
        assert found.tolist() == [channel.abs().max().item() for channel in weight]
    plain = NoiseInjection().loss(noisy(net), bounds, inputs, labels)
    assert torch.equal(METHOD.loss(noisy(net), bounds, inputs, labels), plain)


def test_weights_are_within_their_bounds_after_each_step() -> None:
    net, inputs, labels = setting("lenet5", batch=4)
    bounds, forward = METHOD.auxiliary(net, inputs), noisy(net)
    optimizer = torch.optim.SGD([*net.parameters(), *bounds.parameters()], lr=5.0)
    for _ in range(3):
        optimizer.zero_grad()
        METHOD.loss(forward, bounds, inputs, labels).backward()
        optimizer.step()
        METHOD.after_step(forward, bounds)
        for name, weight in device_weights(net).items():
            bound = bounds.bounds[bounds.places[name]]
            assert (bound > 0).all() and (weight.abs() <= bound).all()


def test_training_moves_the_bounds(tiny: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    """With bounds that stay where they start, the networks are others."""
    net, _ = fit(METHOD, tiny)
    monkeypatch.setattr(
        LearnedClip,
        "auxiliary",
        lambda self, network, example: Bounds(network).requires_grad_(False),
    )
    fixed, _ = fit(METHOD, tiny)
    weights = zip(device_weights(net).values(), device_weights(fixed).values(), strict=True)
    assert all((a - b).abs().max() > 1e-4 for a, b in weights)
