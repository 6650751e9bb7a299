"""Noise injection with a bound on the weights of each output channel that training learns."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from neft.training.baselines import Baseline
from neft.training.noisy_forward import NoisyForward


class _Clip(torch.autograd.Function):
    """min(max(W, -r), r) for weights [channels, ...] and bounds [channels, 1, ...]."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bound: Tensor) -> Tensor:
        ctx.save_for_backward(weight, bound)
        return weight.clamp(-bound, bound)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        weight, bound = ctx.saved_tensors
        (gradient,) = gradients
        beyond = weight.abs() >= bound
        of_channel = tuple(range(1, weight.dim()))
        pull = (weight.sign() * gradient * beyond).sum(of_channel, keepdim=True)
        return gradient * ~beyond, pull / math.sqrt(weight.numel())


def _largest(weight: Tensor) -> Tensor:
    """Return the largest absolute weight of each output channel, [channels, 1, ...]."""
    return weight.detach().abs().amax(tuple(range(1, weight.dim())), keepdim=True)


class Bounds(nn.Module):
    """A bound for each output channel of each weight matrix, from `start` its largest weight."""

    ready: Tensor

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        # All that can be on devices; bounds of digital weights stay unused.
        weights = {name: each for name, each in network.named_parameters() if each.dim() > 1}
        self.places = {name: place for place, name in enumerate(weights)}
        self.bounds = nn.ParameterList(_largest(weight) for weight in weights.values())
        self.register_buffer("ready", torch.tensor(False))

    @torch.no_grad()
    def start(self, weights: Mapping[str, Tensor]) -> None:
        """At the first call, after any pretraining, set the bounds to these weights' largest."""
        if self.ready:
            return
        for name, weight in weights.items():
            self.bounds[self.places[name]].copy_(_largest(weight))
        self.ready.fill_(True)

    def clip(self, name: str, weight: Tensor) -> Tensor:
        """Return a weight within its channels' bounds."""
        return _Clip.apply(weight, self.bounds[self.places[name]])


@dataclass(frozen=True)
class LearnedClip(Baseline, name="learned_clip"):
    """Noise injection whose weights are clipped to a learned bound r for each output channel.

    W' = min(max(W, -r), r) is programmed. Weights at or beyond their bound get no gradient; the
    bound gets sum(sign(W) dL/dW') / sqrt(n) over those of its channel, n the number of all weights
    of the layer. r starts from the largest weight of the channel when a pretraining, if any, has
    ended (aihwkit-lightning, github.com/IBM/aihwkit-lightning at 576d98e). There the weights stay
    as they are beyond the bound; here they are clipped after each step, so that the network has
    those that were trained.
    Channels are along the weight's first dimension.
    """

    def auxiliary(self, network: nn.Module, example: Tensor) -> Bounds:
        return Bounds(network)

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        assert isinstance(auxiliary, Bounds)
        auxiliary.start(forward.weights)
        clipped = {name: auxiliary.clip(name, weight) for name, weight in forward.weights.items()}
        return self.cross_entropy(forward.run(forward.program(weights=clipped), inputs), labels)

    @torch.no_grad()
    def after_step(self, forward: NoisyForward, auxiliary: nn.Module) -> None:
        assert isinstance(auxiliary, Bounds)
        for bound in auxiliary.bounds:
            bound.clamp_(min=torch.finfo(bound.dtype).tiny)
        for name, weight in forward.weights.items():
            weight.copy_(auxiliary.clip(name, weight))
        super().after_step(forward, auxiliary)
