"""Baselines: what negative feedback training has to beat."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from neft.forward import NoisyForward
from neft.method import Method, positive


@dataclass(frozen=True)
class NoiseFree(Method):
    """Ordinary training: cross-entropy without variation."""

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        return F.cross_entropy(forward.backbone(inputs, sigma_d=0.0), labels)


@dataclass(frozen=True)
class NoiseInjection(Method):
    """Cross-entropy under a fresh draw of the variation at each step."""

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        return F.cross_entropy(forward.backbone(inputs), labels)


@dataclass(frozen=True)
class ScaledLogits(Method):
    """Noise injection with the logits over `divisor`: negative feedback training without feedback.

    OVF and IRS with N feedbacks divide the logits by N + 1; with their beta at 0 they are this.
    What they gain over it is what the feedback gains.

    Args:
        divisor: N + 1.

    Raises:
        ValueError: divisor not positive.
    """

    divisor: float = 4.0

    def __post_init__(self) -> None:
        positive(divisor=self.divisor)

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        return F.cross_entropy(forward.backbone(inputs) / self.divisor, labels)
