"""Laws of distillation: who the teacher is, what is learned from it, and what is left of it."""

import copy

import pytest
import torch
from helpers.training import fit, noisy, setting
from torch.nn import functional as F

from neft._utils.seeding import generator
from neft.data.datasets import Splits
from neft.training import Distillation

METHOD = Distillation(pretraining=0.5)


def test_the_loss_is_the_divergence_from_the_noise_free_network() -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    own = copy.deepcopy(net).eval()
    for method in (
        METHOD,
        Distillation(temperature=4.0, label_weight=0.3, divisor=2.0, pretraining=0.5),
    ):
        teacher = method.auxiliary(net, inputs)
        found = method.loss(noisy(copy.deepcopy(net)), teacher, inputs, labels)
        logits, heat = (
            noisy(copy.deepcopy(net)).backbone(inputs) / method.divisor,
            method.temperature,
        )
        p = (own(inputs) / method.divisor / heat).softmax(1)
        q = (logits / heat).softmax(1)
        divergence = (p * (p / q).log()).sum(1).mean()
        share = method.label_weight
        expected = (1 - share) * heat**2 * divergence + share * F.cross_entropy(logits, labels)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def test_a_student_without_errors_has_nothing_to_learn() -> None:
    net, inputs, labels = setting("lenet5", batch=8)
    net.eval()
    for method in (METHOD, Distillation(pretraining=0.5, divisor=4.0)):
        loss = method.loss(noisy(net, 0.0), method.auxiliary(net, inputs), inputs, labels)
        assert loss.item() == pytest.approx(0, abs=1e-6)


def test_the_teacher_is_the_network_at_the_first_call_and_stays_so() -> None:
    net, inputs, _ = setting("lenet5", batch=8)
    teacher = METHOD.auxiliary(net, inputs)
    with torch.no_grad():
        net.classifier[-1].bias.add_(torch.randn(10, generator=generator("b")))
    expected = copy.deepcopy(net).eval()(inputs)
    assert torch.equal(teacher.logits(net, inputs), expected)
    with torch.no_grad():
        net.classifier[-1].bias.zero_()
    assert torch.equal(teacher.logits(net, inputs), expected)
    assert not any(parameter.requires_grad for parameter in teacher.parameters())


def test_clipping_does_not_touch_the_teacher() -> None:
    net, inputs, _ = setting("lenet5", batch=2)
    teacher = METHOD.auxiliary(net, inputs)
    before = copy.deepcopy(teacher.state_dict())
    Distillation(pretraining=0.5, clip=1.01).after_step(noisy(net), teacher)
    assert all(torch.equal(before[name], now) for name, now in teacher.state_dict().items())


def test_nothing_of_the_teacher_stays_in_the_network(tiny: Splits) -> None:
    net, _ = fit(METHOD, tiny)
    assert net.state_dict().keys() == setting("lenet5")[0].state_dict().keys()
    assert all(parameter.requires_grad for parameter in net.parameters())
