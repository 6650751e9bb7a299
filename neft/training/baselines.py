"""Baselines: what negative feedback training has to beat."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neft.chip.layers import device_weights
from neft.devices.variation import VariationModel
from neft.training.base import Method, non_negative, positive
from neft.training.noisy_forward import NoisyForward


@dataclass(frozen=True)
class Baseline(Method):
    """A method whose loss is the cross-entropy of logits over `divisor`.

    Args:
        divisor: 1, or N + 1 to scale as OVF and IRS with N feedbacks do.

    Raises:
        ValueError: divisor not positive and finite.
    """

    divisor: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(divisor=self.divisor)

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return CE(logits / divisor, labels), with the bits of the feedback loss at beta = 0."""
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

    OVF and IRS with N feedbacks divide the logits by N + 1; with their beta at 0 they are this.
    What they gain over it is what the feedback gains.
    """

    divisor: float = field(default=4.0, kw_only=True)


@dataclass(frozen=True)
class CorrectNet(Baseline, name="correctnet"):
    """Cross-entropy with a penalty that keeps layers from amplifying errors (arXiv 2211.14917).

    L = CE(z, y) + beta sum_layers ||W^T W - lipschitz I||_F^2 over all weights on devices (the
    trained, not the programmed ones). The compensation layers that CorrectNet adds to a network
    are not part of it.

    Args:
        beta: strength of the penalty.
        lipschitz: lambda, what W^T W is drawn to.
        form: "unrolled" takes a convolution's weight as one out x (in k k) matrix; "per_slice"
            sums over its k x k matrices out x in, as the public NeFT code once did (with
            beta = 5e-4 and lambda = 1, the defaults here).
        noise: train under variation; without, the penalty is the only defence.

    Raises:
        ValueError: beta or lipschitz negative, or form unknown.
    """

    beta: float = 5e-4
    lipschitz: float = 1.0
    form: Literal["unrolled", "per_slice"] = "unrolled"
    noise: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative(beta=self.beta, lipschitz=self.lipschitz)
        if self.form not in ("unrolled", "per_slice"):
            raise ValueError(f"form must be one of unrolled, per_slice, got {self.form!r}")

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        logits = forward.backbone(inputs, sigma_d=None if self.noise else 0.0)
        per_slice = self.form == "per_slice"
        penalty = sum(
            orthogonality_penalty(weight, self.lipschitz, per_slice=per_slice)
            for weight in device_weights(forward.network, forward.where).values()
        )
        return self.cross_entropy(logits, labels) + self.beta * penalty


def orthogonality_penalty(weight: Tensor, lipschitz: float, *, per_slice: bool) -> Tensor:
    """Return ||W^T W - lambda I||_F^2 of a layer, 0 if W has orthogonal columns of length^2 lambda.

    ||W^T W||_F equals ||W W^T||_F: the smaller of the two is computed.

    Args:
        weight: output channels first.
        lipschitz: lambda.
        per_slice: sum over the matrices out x in of all places of a convolution's kernel,
            instead of taking the weight as one matrix out x (in k k).
    """
    rows = weight.flatten(2).movedim(2, 0) if per_slice and weight.dim() > 2 else weight.flatten(1)
    gram = rows @ rows.mT if rows.shape[-2] < rows.shape[-1] else rows.mT @ rows
    matrices = rows.numel() // (rows.shape[-2] * rows.shape[-1])
    identity = lipschitz**2 * rows.shape[-1] * matrices
    return gram.square().sum() - 2 * lipschitz * rows.square().sum() + identity


@dataclass(frozen=True)
class RightCensored(Baseline, name="right_censored"):
    """Noise injection that cuts large positive errors off (arXiv 2307.15853).

    The standard normal z of every error becomes min(z, bound), which aims at the worst chips.

    Args:
        bound: c, in standard deviations.

    Raises:
        ValueError: bound not finite; when training starts, errors that are not Gaussian.
    """

    bound: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not abs(self.bound) < float("inf"):
            raise ValueError(f"bound must be finite, got {self.bound}")

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        variation = RightCensoredGaussian.of(forward.hardware.variation, self.bound)
        hardware = replace(forward.hardware, variation=variation)
        return self.cross_entropy(replace(forward, hardware=hardware).backbone(inputs), labels)


@dataclass(frozen=True)
class RightCensoredGaussian(VariationModel):
    """A Gaussian model whose z becomes min(z, bound) (arXiv 2307.15853).

    With phi and Phi of a standard normal, mean and second moment of min(z, c) are
    c (1 - Phi(c)) - phi(c) and Phi(c) - c phi(c) + c^2 (1 - Phi(c)).
    """

    base: VariationModel
    bound: float

    @classmethod
    def of(cls, base: VariationModel, bound: float) -> "RightCensoredGaussian":
        """Censor a model.

        Raises:
            ValueError: its errors are not Gaussian with mean zero.
        """
        if not base.symmetric:
            raise ValueError(f"right_censored needs Gaussian errors of mean 0, got {base.name}'s")
        return cls(f"{base.name}, right-censored", base.source, base, bound)

    def spread(self, u: Tensor, sigma_d: float = 1.0) -> Tensor:
        """Standard deviation before censoring."""
        return self.base.spread(u, sigma_d)

    def sample(
        self, u: Tensor, sigma_d: float, *, generator: torch.Generator, shrink: float = 1.0
    ) -> Tensor:
        """Draw errors; `shrink` scales all of them, as the method censors a weight's own z."""
        z = torch.randn(u.shape, generator=generator, device=u.device, dtype=u.dtype)
        return z.clamp_(max=self.bound).mul_(self.spread(u, sigma_d * shrink))
