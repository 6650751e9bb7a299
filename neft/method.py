"""What a training method is: a loss, and perhaps modules that exist in training only.

A method of your own is a frozen dataclass with a `loss`; its fields are its section of params.yaml:

    @dataclass(frozen=True)
    class Smoothed(Method):
        smoothing: float = 0.1

        def loss(self, forward, auxiliary, inputs, labels):
            logits = forward.backbone(inputs)
            return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
"""

import math
from abc import ABC, abstractmethod

from torch import Tensor, nn

from neft.forward import NoisyForward


class Method(ABC):
    """How one training step turns a batch into a loss."""

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
