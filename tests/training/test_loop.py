"""Laws of the training loop: best epoch, divergence, precision, schedule."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.training import HARDWARE, METHODS, SCHEDULE, Killed, fit, same
from torch import nn
from torch.utils.data import TensorDataset

from neft import networks
from neft._utils.seeding import generator
from neft.characterize.bundled import LEVELS
from neft.characterize.reads import read_level_table
from neft.characterize.variation_models import at_time, empirical, gaussian
from neft.chip import Execution, Hardware, device_weights, program
from neft.data.datasets import Splits
from neft.training import IRS, OVF, Method, NoiseFree, NoiseInjection, ScaledLogits, Schedule, train
from neft.training.validation import validation_accuracy


def validated(net: nn.Module, data: Splits) -> float:
    return validation_accuracy(
        net, data.validation, HARDWARE, 0.2,
        chips=SCHEDULE.validation_chips, execution=Execution(torch.contiguous_format, 500),
    )  # fmt: skip


@pytest.mark.parametrize("epochs", [0, 1])
def test_training_that_diverges_ends_with_its_best_weights(
    epochs: int, tiny: Splits, tmp_path: Path
) -> None:
    """The loss is infinite from the first or the second epoch (of 3 steps) on."""

    @dataclass(frozen=True)
    class Diverging(NoiseInjection):
        steps: list[int]

        def loss(self, *arguments) -> torch.Tensor:
            self.steps[0] -= 1
            factor = 1.0 if self.steps[0] >= 0 else math.inf
            return factor * super().loss(*arguments)

    state = tmp_path / "state.safetensors"
    net, history = fit(Diverging([3 * epochs]), tiny, state=state)
    assert history.epoch.tolist() == list(range(epochs + 1))
    assert history.iloc[-1][["train_loss", "validation_accuracy"]].isna().all()
    assert history.iloc[:-1].notna().all(axis=None)
    if epochs:
        assert validated(net, tiny) == history.validation_accuracy.max()
    else:
        assert same(net, networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0))
    again, resumed = fit(Killed(NoiseInjection(), [0]), tiny, state=state)
    assert same(net, again)
    pd.testing.assert_frame_equal(history, resumed, check_exact=True)


def test_weights_that_become_infinite_are_a_divergence_and_no_error(tiny: Splits) -> None:
    levels = at_time(read_level_table(LEVELS), "RRAM_B", 1e4)
    for model in (gaussian(levels), empirical(levels)):
        net = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
        history = train(
            net, NoiseInjection(), tiny, Hardware(model), 0.2,
            replace(SCHEDULE, learning_rate=1e36), seed=0, progress=False,
        )  # fmt: skip
        assert math.isnan(history.train_loss.iloc[-1])
        assert all(tensor.isfinite().all() for tensor in net.state_dict().values())


@pytest.mark.parametrize("name", ["ovf", "irs"])
def test_without_beta_training_equals_scaled_logits_to_the_bit(name: str, tiny: Splits) -> None:
    silent, _ = fit(replace(METHODS[name], beta=0.0), tiny)
    scaled, _ = fit(ScaledLogits(divisor=4), tiny)
    assert same(silent, scaled)


@pytest.mark.parametrize("method", [NoiseInjection(), OVF(0.1), IRS(0.1, hidden=8)])
def test_any_method_trains_with_clipped_weights(method: Method, tiny: Splits) -> None:
    clipped, _ = fit(replace(method, clip=1.5), tiny)
    free, _ = fit(method, tiny)
    for name, weight in device_weights(clipped).items():
        ratio = weight.abs().max() / weight.std(correction=0)
        assert ratio < 1.6  # a little above, as clipping lowers the deviation too
        assert ratio < device_weights(free)[name].abs().max() / device_weights(free)[name].std()


def test_a_predicate_chooses_what_is_on_devices_in_training_and_validation(tiny: Splits) -> None:
    """If the only weight on devices is not used, training equals training without noise."""
    net = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    net.spare = nn.Linear(2, 2)
    history = train(
        net, NoiseInjection(), tiny, HARDWARE, 0.4, SCHEDULE,
        seed=0, where=lambda name, layer: name == "spare.weight", progress=False,
    )  # fmt: skip
    _, free = fit(NoiseInjection(), tiny, sigma_d=0.0)
    pd.testing.assert_frame_equal(history, free, check_exact=True)


def test_the_network_ends_with_the_weights_of_its_best_epoch(tiny: Splits) -> None:
    net, history = fit(NoiseInjection(), tiny)
    assert validated(net, tiny) == history.validation_accuracy.max()


def test_the_test_part_is_not_used(tiny: Splits) -> None:
    images, labels = tiny.test.tensors
    other = replace(tiny, test=TensorDataset(torch.zeros_like(images), labels.flip(0)))
    assert same(fit(NoiseInjection(), tiny)[0], fit(NoiseInjection(), other)[0])


def test_noise_free_training_does_not_depend_on_the_variation(tiny: Splits) -> None:
    (_, weak), (_, strong) = (fit(NoiseFree(), tiny, sigma_d=s) for s in (0.0, 0.4))
    assert weak.train_loss.tolist() == strong.train_loss.tolist()


def test_training_learns(tiny: Splits) -> None:
    net = networks.build("lenet5", classes=3, channels=1, width=1.0, seed=0)
    schedule = Schedule(epochs=6, batch_size=16)
    history = train(net, NoiseInjection(), tiny, HARDWARE, 0.1, schedule, seed=0, progress=False)
    assert history.train_loss.iloc[-1] < history.train_loss.iloc[0]
    assert history.validation_accuracy.max() > 0.6  # chance is one third


def test_training_leaves_no_tensor_hook_or_random_draw_behind(tiny: Splits) -> None:
    fresh = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    before = torch.get_rng_state()
    net, _ = fit(IRS(beta=0.1), tiny)
    assert net.state_dict().keys() == fresh.state_dict().keys()
    assert not any(module._forward_hooks for module in net.modules())
    assert torch.equal(torch.get_rng_state(), before)


@dataclass(frozen=True)
class Watched(Method):
    """Another method that records the types of weights, logits and loss."""

    method: Method
    seen: set[tuple[str, torch.dtype]]

    def auxiliary(self, network: nn.Module, example: torch.Tensor) -> nn.Module:
        return self.method.auxiliary(network, example)

    def sigma_d_at(self, *arguments) -> float:
        return self.method.sigma_d_at(*arguments)

    def loss(self, *arguments) -> torch.Tensor:
        return self.method.loss(*arguments)

    def step_loss(self, forward, auxiliary, inputs, labels, progress) -> torch.Tensor:
        weights = program(forward.network, forward.hardware, 0.2, generator=generator("any"))
        self.seen.update(("weight", weight.dtype) for weight in weights.values())
        with torch.no_grad():
            self.seen.add(("logits", forward.network(inputs).dtype))
        loss = self.method.step_loss(forward, auxiliary, inputs, labels, progress)
        self.seen.add(("loss", loss.dtype))
        return loss

    def after_step(self, *arguments) -> None:
        self.method.after_step(*arguments)


@pytest.mark.parametrize("name", METHODS)
def test_mixed_precision_changes_forward_passes_only(name: str, tiny: Splits) -> None:
    seen: set[tuple[str, torch.dtype]] = set()
    net, history = fit(Watched(METHODS[name], seen), tiny, mixed_precision=True)
    whole, half = torch.float32, torch.bfloat16
    assert seen == {("weight", whole), ("logits", half), ("loss", whole)}
    assert history.train_loss.map(math.isfinite).all()
    assert {p.dtype for p in net.parameters()} == {whole}
    _, full = fit(METHODS[name], tiny)
    assert history.train_loss.tolist() != full.train_loss.tolist()
    expected = pytest.approx(full.train_loss.tolist(), rel=0.05, abs=0.01)
    assert history.train_loss.tolist() == expected


def test_the_learning_rate_follows_a_cosine(tiny: Splits) -> None:
    _, history = fit(NoiseFree(), tiny)
    expected = [1e-3 * (1 + math.cos(math.pi * epoch / 3)) / 2 for epoch in range(3)]
    assert history.learning_rate.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("key", ["epochs", "batch_size", "learning_rate", "validation_chips"])
def test_an_impossible_schedule_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match=f"{key} must be positive and finite, got 0"):
        replace(SCHEDULE, **{key: 0})


def test_a_network_is_never_trained_from_other_weights_than_its_method_needs(tiny: Splits) -> None:
    with pytest.raises(ValueError, match=r"must be paper, as the method says .*, got torch"):
        fit(NoiseFree(initialisation="paper"), tiny)
    fit(NoiseFree(initialisation="torch"), tiny)
