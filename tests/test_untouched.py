"""The user's network and torch's random state are not changed, also after an exception."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from helpers.training import HARDWARE, noisy
from torch import nn
from torch.utils.data import TensorDataset

from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import generator, seeded
from neft.chip import Execution, accuracy_over_chips, fast_execution, program
from neft.evaluation.batchnorm import reestimate
from neft.evaluation.write_verify import curvature
from neft.training import IRS
from neft.training.irs import capture


class Fuse(nn.Module):
    """Raises `error` at the call after `left` more, if there is one to raise."""

    left: int = 0
    error: type[BaseException] | None = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.error is not None and self.left == 0:
            raise self.error
        self.left -= 1
        return x


class Restless(nn.Module):
    """Draws from the global generator in evaluation too."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.randn_like(x)


class Last(nn.Module):
    """The last output of a recurrent layer."""

    def forward(self, outputs: tuple) -> torch.Tensor:
        return outputs[0][:, -1]


def network() -> nn.Module:
    """A network in training mode except for its BatchNorm, with the user's own hook."""
    with seeded("network"):
        net = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(1, 2), nn.LSTM(6, 5, batch_first=True)
        )
        net = nn.Sequential(net, Last(), Fuse(), nn.Linear(5, 3))
    net.snapshots = {"0.0": 2, "0.1": 2}
    net.train()
    net[0][1].eval()
    net[3].register_forward_hook(lambda layer, inputs, output: None)
    return net


def state(net: nn.Module) -> tuple:
    """All that a user can see: tensors, values, gradients, modes, hooks, random state."""
    return (
        {
            name: (id(p), p.requires_grad, p.grad, p.detach().clone().tolist())
            for name, p in net.named_parameters()
        },
        {name: (id(t), t.clone().tolist()) for name, t in net.named_buffers()},
        {name: module.training for name, module in net.named_modules()},
        {name: list(module._forward_hooks) for name, module in net.named_modules()},
        {name: list(module._forward_pre_hooks) for name, module in net.named_modules()},
        net(INPUTS).tolist(),
        torch.get_rng_state().tolist(),
    )


INPUTS = torch.randn(6, 1, 8, 8, generator=generator("inputs"))
LABELS = torch.arange(6) % 3


def irs(net: nn.Module) -> None:
    with seeded("auxiliary"):
        IRS(beta=0.1).auxiliary(net, INPUTS)


def taken(net: nn.Module) -> None:
    with capture(net, ("0.1",)):
        net(INPUTS)


def chips(net: nn.Module) -> None:
    data = TensorDataset(INPUTS, LABELS)
    execution = Execution(torch.contiguous_format, batch_size=3)
    accuracy_over_chips(net, data, HARDWARE, 0.1, chips=2, key="test", execution=execution)


USES = {
    "execution": lambda net: fast_execution(net, INPUTS[:1]),
    "program": lambda net: program(net, HARDWARE, 0.1, generator=generator("chip")),
    "backbone": lambda net: noisy(net).backbone(INPUTS),
    "feedback": lambda net: noisy(net).feedback(INPUTS, 0.2),
    "snapshots": taken,
    "irs": irs,
    "chips": chips,
    "recalibration": lambda net: reestimate(net, {}, INPUTS),
    "curvature": lambda net: curvature(net, INPUTS, generator=generator("signs")),
}


@contextmanager
def nothing_changes(net: nn.Module) -> Iterator[None]:
    before = state(net)
    yield
    net[2].error = None
    assert state(net) == before


@pytest.mark.parametrize("use", USES)
def test_a_network_is_left_as_it_was(use: str) -> None:
    net = network()
    with nothing_changes(net):
        USES[use](net)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize(
    ("use", "calls"),
    [(use, 0) for use in USES if use not in ("program", "chips")]
    + [("chips", n) for n in range(4)],
)
def test_a_network_is_left_as_it_was_after_an_exception(use: str, calls: int, error) -> None:
    net = network()
    with nothing_changes(net), pytest.raises(error):
        net[2].left, net[2].error = calls, error
        USES[use](net)


def test_evaluation_puts_every_module_in_evaluation() -> None:
    net = network()
    with evaluating(net):
        assert not any(module.training for module in net.modules())


def test_layers_that_draw_in_evaluation_repeat_and_leave_the_global_generator() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), Restless())
    data = TensorDataset(INPUTS, LABELS)
    before = torch.get_rng_state()
    first, again = (
        accuracy_over_chips(net, data, HARDWARE, 0.1, chips=8, key="test") for _ in range(2)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first, again)
