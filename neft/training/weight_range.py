"""Range of the weights: clipping and penalties that every method can have.

Errors are proportional to max|W|, so that weights of small range have small relative errors.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from neft._utils.checks import non_negative, one_of
from neft.chip import device_weights
from neft.training.noisy_forward import NoisyForward

UNIFORM_KURTOSIS = 1.8


@dataclass(frozen=True)
class WeightRange:
    """How a method keeps the largest weight of a layer near the others.

    Args:
        clip: after every step, but those of a pretraining, weights are clipped to this many
            standard deviations of their tensor or channel; None for no clipping (Joshi et al., doi
            10.1038/s41467-020-16108-9).
        clip_per: whose standard deviation, of the "tensor", or of each "channel" along the weight's
            first dimension, the output channels of linear layers and convolutions (as in
            aihwkit-lightning, which divides by n - 1 in it and not, as here, by n).
        kurtosis: strength of the mean over layers of (kurtosis(W) - 1.8)^2, which draws weights to
            a uniform distribution (KURE, for quantisation: github.com/moranshkolnik/
            RobustQuantization).
        range_penalty: strength of the sum over layers of max|W| (for quantisation: arXiv
            2303.08253).

    Raises:
        ValueError: a strength is negative or not finite, clip_per is unknown, or clip is infinite
            or not above 1 (the largest weight is never below the standard deviation, so that every
            step would shrink all weights).
    """

    clip: float | None = field(default=None, kw_only=True)
    clip_per: str = field(default="tensor", kw_only=True)
    kurtosis: float = field(default=0.0, kw_only=True)
    range_penalty: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        if self.clip is not None and not 1 < self.clip < math.inf:
            raise ValueError(f"clip must be above 1 and finite, got {self.clip}")
        one_of(("tensor", "channel"), clip_per=self.clip_per)
        non_negative(kurtosis=self.kurtosis, range_penalty=self.range_penalty)

    def penalty(self, forward: NoisyForward) -> Tensor | None:
        """Return what is added to the loss, over all weights on devices; None for nothing."""
        if not (self.kurtosis or self.range_penalty):
            return None
        weights = forward.weights.values()
        flatness = torch.stack([(kurtosis(w) - UNIFORM_KURTOSIS).square() for w in weights]).mean()
        largest = torch.stack([w.abs().max() for w in weights]).sum()
        return self.kurtosis * flatness + self.range_penalty * largest

    @torch.no_grad()
    def after_step(self, forward: NoisyForward, auxiliary: nn.Module) -> None:
        """Change the trained modules after each optimiser step: clip their weights if asked to."""
        if self.clip is None:
            return
        trained = forward.weights, device_weights(auxiliary)
        for weight in (weight for weights in trained for weight in weights.values()):
            if weight.requires_grad:
                bound = self.clip * self._deviation(weight)
                weight.clamp_(-bound, bound)

    def _deviation(self, weight: Tensor) -> Tensor:
        if self.clip_per == "tensor":
            return weight.std(correction=0)
        return weight.std(tuple(range(1, weight.dim())), correction=0, keepdim=True)


def kurtosis(weight: Tensor) -> Tensor:
    """Return the mean fourth power of the standardised weights, 3 if normal and 1.8 if uniform.

    Of weights that are all equal, as a single one is, it is 0, with a gradient of 0.
    """
    centred = weight - weight.mean()
    variance = centred.square().mean()
    return centred.pow(4).mean() / variance.square().clamp_min(torch.finfo(weight.dtype).tiny)
