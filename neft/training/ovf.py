"""OVF: negative feedback from the network itself at larger variations (NeFT)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neft._utils.checks import finite
from neft.training.negative_feedback import NegativeFeedback
from neft.training.noisy_forward import NoisyForward


@dataclass(frozen=True)
class OVF(NegativeFeedback, name="ovf"):
    """Oriented variational forward: the feedback is the network itself at larger variations.

    Without `feedback_gradient` the feedback is a constant: it still changes the logits in the
    cross-entropy, but the weights are not trained to make the feedback wrong. A step then has no
    backward passes through the N feedbacks.

    Args:
        increments: added to sigma_d for z_1, z_2, ...; every layer sees the larger variation. A
            sum below 0, as a ramp can give with negative increments, is 0.

    Raises:
        ValueError: increments is empty, one is not finite, or there is not one gamma for each.
    """

    increments: tuple[float, ...] = (0.15, 0.10, 0.05)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.increments:
            raise ValueError(f"increments must not be empty, got {self.increments}")
        finite(**{f"increments[{i}]": step for i, step in enumerate(self.increments)})
        self.check_gammas("increments", len(self.increments))

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        scales = forward.scales()
        backbone = forward.backbone(inputs, scales=scales)
        with torch.set_grad_enabled(self.feedback_gradient):
            feedback = [
                forward.feedback(inputs, max(0.0, forward.sigma_d + step), scales=scales)
                for step in self.increments
            ]
        return self.combine(backbone, feedback, labels)
