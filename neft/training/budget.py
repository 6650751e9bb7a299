"""What a training costs, counted: gradient evaluations and programmings of the network."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from neft._utils.seeding import generator, seeded
from neft.chip import Hardware
from neft.devices import PRESETS
from neft.training.base import Method
from neft.training.noisy_forward import NoisyForward


@dataclass(frozen=True)
class Budget:
    """What one step of a training takes, on average over the training.

    Args:
        gradient_evaluations: forward passes of the network whose gradient is taken, each of the
            whole batch. A pass without gradient (a teacher's) is not counted, nor are a method's
            small auxiliary modules.
        programmings: fresh draws of all device errors of the network.
    """

    gradient_evaluations: float
    programmings: float


@dataclass(frozen=True)
class _Counted(NoisyForward):
    """Noisy passes that count themselves in `counts`: gradient evaluations, programmings."""

    counts: tuple[list[int], list[int]] = field(kw_only=True)

    def run(self, weights: dict[str, Tensor], inputs: Tensor, *, aside: bool = False) -> Tensor:
        self.counts[0][0] += torch.is_grad_enabled()
        return super().run(weights, inputs, aside=aside)

    def _program(self, sigma_d: float, *others) -> dict[str, Tensor]:
        self.counts[1][0] += sigma_d > 0
        return super()._program(sigma_d, *others)


def budget(method: Method, network: nn.Module, inputs: Tensor) -> Budget:
    """Count what one step of a method does, in its pretraining and after it.

    Methods with equal epochs have equal budgets only if their steps take as much: a step of OVF
    with three feedbacks has four gradient evaluations, one of a sharpness-aware training two.

    Args:
        method: any.
        network: any on which the method can be trained; its weights do not change.
        inputs: of the network, two images or more.
    """
    labels = torch.zeros(len(inputs), dtype=torch.int64)
    with seeded("budget"):
        auxiliary = method.auxiliary(network, inputs[:1])
    phases = [(method.pretraining, 0.0), (1 - method.pretraining, method.pretraining)]
    totals = [0.0, 0.0]
    for share, progress in phases:
        if share:
            counts = [0], [0]
            forward = _Counted(
                network, Hardware(PRESETS["RRAM1"]), 0.1,
                generator("backbone"), generator("feedback"), counts=counts,
            )  # fmt: skip
            method.step_loss(forward, auxiliary, inputs, labels, progress)
            totals = [total + share * count[0] for total, count in zip(totals, counts, strict=True)]
    return Budget(*totals)
