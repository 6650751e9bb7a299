"""What a training method is: a loss, and perhaps modules that exist in training only.

A method of your own is a frozen dataclass with a `loss`; its fields are its section of params.yaml:

    @dataclass(frozen=True)
    class Smoothed(Method, name="smoothed"):
        smoothing: float = 0.1

        def loss(self, forward, auxiliary, inputs, labels):
            logits = forward.backbone(inputs)
            return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from neft.chip.layers import device_weights
from neft.training.noisy_forward import NoisyForward

METHODS: dict[str, type["Method"]] = {}
"""The methods by the name that params.yaml calls them; a class that gives a name enters itself."""


@dataclass(frozen=True)
class Method(ABC):
    """How one training step turns a batch into a loss.

    Args:
        clip: keeps weights within this many standard deviations of their tensor, after every
            step; None leaves them as they are. It lowers max|W|, in units of which devices err.

    Raises:
        ValueError: clip not above 1 (the largest weight is never below its tensor's standard
            deviation, so that every step would shrink all weights).
    """

    clip: float | None = field(default=None, kw_only=True)

    def __init_subclass__(cls, name: str | None = None) -> None:
        if name is not None:
            METHODS[name] = cls

    def __post_init__(self) -> None:
        if self.clip is not None and not 1 < self.clip < math.inf:
            raise ValueError(f"clip must be above 1 and finite, got {self.clip}")

    def auxiliary(self, network: nn.Module, example: Tensor) -> nn.Module:
        """Build the modules that are trained beside the network and left behind afterwards.

        Args:
            network: the network to train.
            example: a few inputs, to learn shapes from.

        Returns:
            A module without parameters unless a method says otherwise.
        """
        return nn.ModuleList()

    @abstractmethod
    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        """Return the scalar loss of one batch.

        Args:
            forward: noisy passes of the network.
            auxiliary: what the method's `auxiliary` built.
            inputs: [batch, channels, height, width].
            labels: class indices, [batch].
        """

    @torch.no_grad()
    def after_step(self, forward: NoisyForward, auxiliary: nn.Module) -> None:
        """Do to the trained modules what follows the optimiser's step: clip their weights."""
        if self.clip is None:
            return
        trained = device_weights(forward.network, forward.where), device_weights(auxiliary)
        for weight in (weight for weights in trained for weight in weights.values()):
            bound = self.clip * weight.std(correction=0)
            weight.clamp_(-bound, bound)


def non_negative(**values: float) -> None:
    """Raise ValueError naming the first value below 0 or not finite."""
    for key, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{key} must be non-negative and finite, got {value}")


def positive(**values: float) -> None:
    """Raise ValueError naming the first value not above 0 or not finite."""
    for key, value in values.items():
        if not 0 < value < math.inf:
            raise ValueError(f"{key} must be positive and finite, got {value}")


def finite(**values: float) -> None:
    """Raise ValueError naming the first value not finite."""
    for key, value in values.items():
        if not math.isfinite(value):
            raise ValueError(f"{key} must be finite, got {value}")
