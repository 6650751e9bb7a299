"""Baselines: the training methods that negative feedback training is compared with."""

from dataclasses import dataclass, field, replace
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from neft._utils.checks import finite, non_negative, one_of, positive
from neft.training.base import Method
from neft.training.bounded_gaussian import BoundedGaussian
from neft.training.noisy_forward import NoisyForward


@dataclass(frozen=True)
class Baseline(Method):
    """A method whose loss is the cross-entropy of logits over `divisor`.

    Args:
        divisor: 1, or N + 1 to scale the logits as OVF and IRS with N feedbacks do; of a
            pretraining, too.

    Raises:
        ValueError: divisor is not positive and finite.
    """

    divisor: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(divisor=self.divisor)

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return CE(logits / divisor, labels), bit for bit the feedback loss at beta = 0."""
        return F.cross_entropy(logits * (1 / self.divisor), labels)


@dataclass(frozen=True)
class NoiseFree(Baseline, name="noise_free"):
    """Ordinary training: cross-entropy without variation."""

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        return self.cross_entropy(forward.backbone(inputs, sigma_d=0.0), labels)


@dataclass(frozen=True)
class NoiseInjection(Baseline, name="noise_injection"):
    """Cross-entropy under a fresh draw of the variation at each step."""

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        return self.cross_entropy(forward.backbone(inputs), labels)


@dataclass(frozen=True)
class ScaledLogits(NoiseInjection, name="scaled_logits"):
    """Noise injection with the logits over N + 1: negative feedback training without feedback.

    OVF and IRS with N feedbacks divide the logits by N + 1; at beta = 0 they equal this method.
    Their gain over it is the gain of the feedback.
    """

    divisor: float = field(default=4.0, kw_only=True)


@dataclass(frozen=True)
class CorrectNet(Baseline, name="correctnet"):
    """Cross-entropy with a penalty that keeps layers from amplifying errors (arXiv 2211.14917).

    L = CE(z, y) + beta sum_layers ||W^T W - lipschitz I||_F^2 over all weights on devices, as
    trained, not as programmed. CorrectNet's compensation layers are not part of this baseline.

    Args:
        beta: strength of the penalty.
        lipschitz: lambda; the penalty draws W^T W to lambda I.
        form: "unrolled" takes a convolution's weight as one out x (in k k) matrix; "per_slice"
            sums over its k x k matrices out x in, as the public NeFT code once did (with
            beta = 5e-4 and lambda = 1, the defaults here).
        noise: train under variation; otherwise the penalty is the only protection.

    Raises:
        ValueError: beta or lipschitz is negative or not finite, or form is unknown.
    """

    beta: float = 5e-4
    lipschitz: float = 1.0
    form: Literal["unrolled", "per_slice"] = "unrolled"
    noise: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative(beta=self.beta, lipschitz=self.lipschitz)
        one_of(("unrolled", "per_slice"), form=self.form)

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        logits = forward.backbone(inputs, sigma_d=None if self.noise else 0.0)
        per_slice = self.form == "per_slice"
        penalty = sum(
            orthogonality_penalty(weight, self.lipschitz, per_slice=per_slice)
            for weight in forward.weights.values()
        )
        return self.cross_entropy(logits, labels) + self.beta * penalty


def orthogonality_penalty(weight: Tensor, lipschitz: float, *, per_slice: bool) -> Tensor:
    """Return ||W^T W - lambda I||_F^2 of a layer.

    It is 0 if the columns of W are orthogonal and of squared length lambda. ||W^T W||_F equals
    ||W W^T||_F: the smaller product is computed.

    Args:
        weight: output channels first.
        lipschitz: lambda.
        per_slice: sum over the matrices out x in at all positions of a convolution's kernel,
            instead of taking the weight as one matrix out x (in k k).
    """
    rows = weight.flatten(2).movedim(2, 0) if per_slice and weight.dim() > 2 else weight.flatten(1)
    gram = rows @ rows.mT if rows.shape[-2] < rows.shape[-1] else rows.mT @ rows
    matrices = rows.numel() // (rows.shape[-2] * rows.shape[-1])
    identity = lipschitz**2 * rows.shape[-1] * matrices
    return gram.square().sum() - 2 * lipschitz * rows.square().sum() + identity


@dataclass(frozen=True)
class RightCensored(Baseline, name="right_censored"):
    """Noise injection without large positive errors (arXiv 2307.15853).

    The standard normal z of every error becomes min(z, bound). The aim is the accuracy of the
    worst chips. The paper's public code (github.com/MariusAnje/CIM_HTrain) has kin of it:

    Args:
        bound: c, in standard deviations of the errors that are drawn: of a weight's own, or with
            device-level mappings of each of its devices'.
        sides: "right", or "both" to keep z within -bound and bound.
        truncated: draw errors beyond the bound again, instead of moving them onto it.
        unbiased: subtract the mean that the bound gives z.

    Raises:
        ValueError: bound is not finite, or not positive with both sides; sides is unknown; when
            training starts: the errors are not Gaussian.
    """

    bound: float = 2.0
    sides: Literal["right", "both"] = "right"
    truncated: bool = False
    unbiased: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        finite(bound=self.bound)
        one_of(("right", "both"), sides=self.sides)
        if self.sides == "both":
            positive(bound=self.bound)

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        about = self.bound, self.sides, self.truncated, self.unbiased
        variation = BoundedGaussian.of(forward.hardware.variation, *about)
        hardware = replace(forward.hardware, variation=variation)
        return self.cross_entropy(replace(forward, hardware=hardware).backbone(inputs), labels)
