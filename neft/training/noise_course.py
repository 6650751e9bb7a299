"""Course of the variation over a training: noise-free first, rising, or drawn anew each step."""

from dataclasses import dataclass, field

import torch

from neft._utils.checks import fraction, non_negative


@dataclass(frozen=True)
class NoiseCourse:
    """How large the errors of each step are.

    Args:
        pretraining: share of the training at its start that is ordinary, the cross-entropy without
            errors, penalties and bounds of the weights; a divisor of the logits holds in it, too.
            It is part of the epochs, so that methods with it have no larger budget.
        ramp: share of the training, after the pretraining, over which sigma_d rises linearly from
            0 (arXiv 2609.15527).
        sigma_spread: standard deviation of each step's own sigma_d, as a fraction of sigma_d. It is
            normal and cut at 0 (after "variance-aware" training, arXiv 2503.16183, which draws it
            for each sample, on activations).

    Raises:
        ValueError: a share is outside [0, 1], nothing is left after them, or sigma_spread is
            negative or not finite.
    """

    pretraining: float = field(default=0.0, kw_only=True)
    ramp: float = field(default=0.0, kw_only=True)
    sigma_spread: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        fraction(pretraining=self.pretraining, ramp=self.ramp)
        if not self.pretraining + self.ramp < 1:
            total = self.pretraining + self.ramp
            raise ValueError(f"pretraining + ramp must be below 1, got {total:g}")
        non_negative(sigma_spread=self.sigma_spread)

    def sigma_d_at(self, sigma_d: float, progress: float, generator: torch.Generator) -> float:
        """Return the size of a step's errors.

        Args:
            sigma_d: of the training.
            progress: share of the training's steps before this one.
            generator: of the draw, on the CPU.
        """
        if progress < self.pretraining:
            return 0.0
        if self.ramp:
            sigma_d *= min(1.0, (progress - self.pretraining) / self.ramp)
        if self.sigma_spread:
            factor = 1 + self.sigma_spread * torch.randn((), generator=generator).item()
            sigma_d *= max(0.0, factor)
        return sigma_d
