"""The loss of negative feedback training (NeFT, arXiv 2305.14561), the base of OVF and IRS."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from neft._utils.checks import finite, non_negative, positive
from neft.training.base import Method


def negative_feedback_loss(
    backbone: Tensor,
    feedback: Sequence[Tensor],
    labels: Tensor,
    *,
    beta: float,
    gammas: Sequence[float] | None = None,
    backbone_scale: float | None = None,
    feedback_scale: float | None = None,
) -> Tensor:
    """Cross-entropy of the backbone's logits minus the weighted feedback logits.

    L = CE(a_b z_b - a_f beta sum_n gamma_n z_n, y) (NeFT, arXiv 2305.14561). None stands for the
    published value: a_b = a_f = 1 / (N + 1), gamma_n = 10^-(n - 1).

    Args:
        backbone: z_b, logits, [batch, classes].
        feedback: z_1 .. z_N, logits of the same shape.
        labels: y, class indices, [batch].
        beta: strength of the feedback.
        gammas: weight of each feedback, N numbers.
        backbone_scale: a_b.
        feedback_scale: a_f.

    Returns:
        The loss, a scalar.

    Raises:
        ValueError: gammas and feedback differ in length.
    """
    published = 1 / (len(feedback) + 1)
    a_b = published if backbone_scale is None else backbone_scale
    a_f = published if feedback_scale is None else feedback_scale
    gammas = [10.0**-n for n in range(len(feedback))] if gammas is None else gammas
    if len(gammas) != len(feedback):
        raise ValueError(f"gammas must be {len(feedback)}, one per feedback, got {len(gammas)}")
    total = torch.zeros_like(backbone)
    for gamma, logits in zip(gammas, feedback, strict=True):
        total = total + gamma * logits
    return F.cross_entropy(a_b * backbone - a_f * beta * total, labels)


@dataclass(frozen=True)
class NegativeFeedback(Method):
    """The base class of OVF and IRS: the loss and its settings.

    Args:
        beta: strength of the feedback.
        gammas: weight of each feedback; None for the published 1, 1/10, 1/100, ...
        backbone_scale: a_b; None for the published 1 / (N + 1).
        feedback_scale: a_f; None for the published 1 / (N + 1).
        feedback_gradient: let the gradient pass through the feedback, as published.

    Raises:
        ValueError: beta is negative, backbone_scale is not positive, or a value is not finite.
    """

    beta: float
    gammas: tuple[float, ...] | None = field(default=None, kw_only=True)
    backbone_scale: float | None = field(default=None, kw_only=True)
    feedback_scale: float | None = field(default=None, kw_only=True)
    feedback_gradient: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative(beta=self.beta)
        finite(**{f"gammas[{i}]": gamma for i, gamma in enumerate(self.gammas or ())})
        if self.backbone_scale is not None:
            positive(backbone_scale=self.backbone_scale)
        if self.feedback_scale is not None:
            finite(feedback_scale=self.feedback_scale)

    def combine(self, backbone: Tensor, feedback: Sequence[Tensor], labels: Tensor) -> Tensor:
        """Return `negative_feedback_loss` with this method's settings."""
        return negative_feedback_loss(
            backbone, feedback, labels,
            beta=self.beta, gammas=self.gammas,
            backbone_scale=self.backbone_scale, feedback_scale=self.feedback_scale,
        )  # fmt: skip

    def check_gammas(self, key: str, count: int) -> None:
        """Raise ValueError unless there is one gamma for each feedback; `key` names those."""
        if self.gammas is not None and len(self.gammas) != count:
            raise ValueError(f"gammas must be as many as {key} ({count}), got {list(self.gammas)}")
