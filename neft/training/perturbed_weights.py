"""Trainings that look for bad weights nearby: sharpness-aware ones and the parameter attack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neft._utils.checks import non_negative, one_of, positive
from neft.chip import error_deviations
from neft.training.baselines import Baseline
from neft.training.noisy_forward import NoisyForward


@dataclass(frozen=True)
class SharpnessAware(Baseline, name="sharpness_aware"):
    """Noise injection whose gradient is taken where the loss of the same chip is higher.

    A step has two passes: the gradient g of the loss on one chip, then the loss of that chip with
    its weights on devices moved by delta, whose gradient trains all parameters. BatchNorm's running
    statistics are those of the second pass. With g and W of the weights on devices, delta is

    - "sam": radius g / ||g||, over all weights together (Foret et al., arXiv 2010.01412).
    - "asam": radius W^2 g / || |W| g ||, over all weights together (Kwon et al., arXiv 2102.11600).
    - "awp": radius ||W|| g / ||g|| in each tensor (Wu et al., arXiv 2004.05884;
      github.com/csdongxian/AWP).

    Args:
        form: of delta.
        radius: .05 in the public code of SAM (github.com/davda54/sam), .01 in that of AWP.

    Raises:
        ValueError: form is unknown, or radius is negative or not finite.
    """

    form: Literal["sam", "asam", "awp"] = "sam"
    radius: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(("sam", "asam", "awp"), form=self.form)
        non_negative(radius=self.radius)

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        chip = forward.program()
        here = self.cross_entropy(forward.run(chip, inputs, aside=True), labels)
        gradients = dict(
            zip(chip, torch.autograd.grad(here, list(forward.weights.values())), strict=True)
        )
        with torch.no_grad():
            delta = self.delta(forward.weights, gradients)
        moved = {name: weight + delta[name] for name, weight in chip.items()}
        return self.cross_entropy(forward.run(moved, inputs), labels)

    def delta(
        self, weights: Mapping[str, Tensor], gradients: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Return how far each weight is moved."""
        if self.form == "awp":
            return {
                name: self.radius * weights[name].norm() * _unit(gradient, gradient.norm())
                for name, gradient in gradients.items()
            }
        scaled = dict(gradients)
        if self.form == "asam":
            scaled = {name: weights[name].abs() * gradient for name, gradient in scaled.items()}
        length = torch.stack([each.norm() for each in scaled.values()]).norm()
        moves = {name: self.radius * _unit(each, length) for name, each in scaled.items()}
        if self.form == "asam":
            moves = {name: weights[name].abs() * move for name, move in moves.items()}
        return moves


def _unit(gradient: Tensor, length: Tensor) -> Tensor:
    return gradient / length.clamp_min(torch.finfo(gradient.dtype).tiny)


@dataclass(frozen=True)
class ParameterAttack(Baseline, name="parameter_attack"):
    """Noise injection with a penalty on what the worst errors nearby do to the answers.

    L = CE(z_b, y) + beta KL(softmax f(W) || softmax f(W*)), with the network f without errors. W*
    starts from W with errors of `start` times the devices' standard deviation and takes `steps`
    steps of radius / steps standard deviations along the sign of the divergence's gradient, never
    further than the radius (Büchel et al., arXiv 2106.05009; github.com/jubueche/
    BPTT-Lipschitzness). There the radius is a share of each weight; here a multiple of its own
    standard deviation on the devices, c sigma_d max|W| r(|w| / max|W|).

    Args:
        beta: strength of the penalty.
        radius: of the attack, in standard deviations of a weight's error.
        steps: of the attack.
        start: size of the random errors that W* starts from, in the same unit.

    Raises:
        ValueError: beta, radius or start is negative or not finite, or steps is not positive.
    """

    beta: float = 0.1
    radius: float = 1.0
    steps: int = 1
    start: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative(beta=self.beta, radius=self.radius, start=self.start)
        positive(steps=self.steps)

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        loss = self.cross_entropy(forward.backbone(inputs), labels)
        clean = forward.run(dict(forward.weights), inputs, aside=True).log_softmax(1)
        delta = self.attack(forward, inputs, clean.detach())
        return loss + self.beta * self._divergence(forward, delta, inputs, clean)

    def attack(self, forward: NoisyForward, inputs: Tensor, clean: Tensor) -> dict[str, Tensor]:
        """Return the worst errors found, by the name of the weight."""
        deviations = error_deviations(
            forward.weights, forward.network, forward.hardware, forward.sigma_d
        )
        draw = forward.feedback_generator
        delta = {
            name: self.start * deviation * torch.randn(
                deviation.shape, generator=draw, device=deviation.device, dtype=deviation.dtype
            )
            for name, deviation in deviations.items()
        }  # fmt: skip
        for _ in range(self.steps):
            leaves = {name: each.detach().requires_grad_() for name, each in delta.items()}
            divergence = self._divergence(forward, leaves, inputs, clean)
            gradients = torch.autograd.grad(divergence, list(leaves.values()))
            for (name, each), gradient in zip(leaves.items(), gradients, strict=True):
                bound = self.radius * deviations[name]
                moved = each.detach() + bound / self.steps * gradient.sign()
                delta[name] = torch.clamp(moved, -bound, bound)
        return delta

    def _divergence(
        self, forward: NoisyForward, delta: Mapping[str, Tensor], inputs: Tensor, clean: Tensor
    ) -> Tensor:
        moved = {name: weight + delta[name] for name, weight in forward.weights.items()}
        answer = forward.run(moved, inputs, aside=True).log_softmax(1)
        return F.kl_div(answer, clean, reduction="batchmean", log_target=True)
