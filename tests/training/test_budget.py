"""Budgets are what a step does: passes and draws that each method's definition names."""

import pytest
import torch
from helpers.training import METHODS, setting
from torch import nn

from neft.training import IRS, OVF, Method, NoiseInjection, ParameterAttack, SharpnessAware
from neft.training.budget import Budget, budget

# Gradient evaluations and programmings of a step, from each method's docstring.
EXPECTED = {
    "noise_free": (1, 0),
    "noise_injection": (1, 1),
    "scaled_logits": (1, 1),
    "ovf": (4, 4),  # the backbone, and three feedbacks on chips of their own
    "irs": (1, 1),
    "correctnet": (1, 1),
    "right_censored": (1, 1),
    "clipped": (1, 0.6),
    "flat": (1, 1),
    "course": (1, 0.8),  # a fifth of the training is without errors
    "distillation": (1, 0.6),
    "sharpness_aware": (2, 1),
    "parameter_attack": (5, 1),  # noisy, clean, two steps of the attack, attacked
    "learned_clip": (1, 0.6),
    "feature_consistency": (1, 1),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_step_takes_what_the_method_says(name: str) -> None:
    net, inputs, _ = setting("lenet5")
    assert budget(METHODS[name], net, inputs) == pytest.approx(Budget(*EXPECTED[name]))


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (OVF(beta=0.1, increments=(0.1,)), (2, 2)),
        (OVF(beta=0.1, increments=(0.1,), feedback_gradient=False), (1, 2)),
        (IRS(beta=0.1, hidden=8, pretraining=0.5), (1, 0.5)),
        (ParameterAttack(steps=1), (4, 1)),
        (SharpnessAware(pretraining=0.25), (1.75, 0.75)),
    ],
    ids=repr,
)
def test_settings_change_the_budget(method: Method, expected: tuple[float, float]) -> None:
    net, inputs, _ = setting("lenet5")
    assert budget(method, net, inputs) == pytest.approx(Budget(*expected))


def test_counting_changes_no_weight() -> None:
    net, inputs, _ = setting("lenet5")
    before = {name: tensor.clone() for name, tensor in net.named_parameters()}
    budget(METHODS["ovf"], net, inputs)
    for name, tensor in net.named_parameters():
        assert torch.equal(tensor, before[name]) and tensor.grad is None


def test_the_users_own_network_is_counted() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    found = budget(NoiseInjection(), net, torch.randn(2, 1, 8, 8))
    assert found == Budget(gradient_evaluations=1, programmings=1)
