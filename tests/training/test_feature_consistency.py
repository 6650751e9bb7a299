"""Laws of feature consistency: what is compared, and what has no gradient."""

import copy

import pytest
import torch
from helpers.training import noisy, setting
from torch import nn

from neft.training import FeatureConsistency, NoiseInjection
from neft.training.irs import capture

METHOD = FeatureConsistency(strength=0.7)


def test_without_strength_or_without_errors_it_is_noise_injection() -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    for method, sigma_d in ((FeatureConsistency(strength=0.0), 0.1), (METHOD, 0.0)):
        found = method.loss(noisy(copy.deepcopy(net), sigma_d), nn.ModuleList(), inputs, labels)
        plain = NoiseInjection().loss(
            noisy(copy.deepcopy(net), sigma_d), nn.ModuleList(), inputs, labels
        )
        assert torch.equal(found, plain)


def test_the_penalty_is_the_mean_relative_change_of_the_features() -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    names = tuple(net.snapshots)
    with capture(copy.deepcopy(net), names) as none:
        assert not none
    twin = copy.deepcopy(net)
    with capture(twin, names) as before:
        twin(inputs)
    with capture(twin, names) as after:
        logits = noisy(twin).backbone(inputs)
    changes = [
        ((after[n] - before[n]).norm() / before[n].norm()).item() ** 2 for n in names
    ]  # fmt: skip
    expected = nn.functional.cross_entropy(logits, labels).item() + 0.7 * sum(changes) / 3
    found = METHOD.loss(noisy(net), nn.ModuleList(), inputs, labels)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_the_noise_free_features_are_constants_and_leave_batchnorm_alone() -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    plain = copy.deepcopy(net)
    METHOD.loss(noisy(net), nn.ModuleList(), inputs, labels)
    NoiseInjection().loss(noisy(plain), nn.ModuleList(), inputs, labels)
    for (name, buffer), other in zip(net.named_buffers(), plain.buffers(), strict=True):
        assert torch.equal(buffer, other), name
    chosen = FeatureConsistency(strength=1e6, snapshots=("features.pool2",))
    chosen.loss(noisy(net), nn.ModuleList(), inputs, labels).backward()
    assert all(p.grad is not None for p in net.features.parameters() if p.dim() == 4)


def test_what_is_no_submodule_is_refused_before_training() -> None:
    net, inputs, _ = setting("lenet5", batch=2)
    with pytest.raises(ValueError, match="must name a submodule of the network, got 'head'"):
        FeatureConsistency(snapshots=("head",)).auxiliary(net, inputs)
    with pytest.raises(ValueError, match="must be given: Linear names none"):
        METHOD.auxiliary(nn.Linear(2, 2), inputs)
    with pytest.raises(ValueError, match="must not be empty"):
        FeatureConsistency(snapshots=())
    with pytest.raises(ValueError, match="strength must be"):
        FeatureConsistency(strength=-1.0)
