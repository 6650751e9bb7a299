"""Negative feedback training (NeFT, arXiv 2305.14561): OVF, IRS and the loss they share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neft.forward import NoisyForward
from neft.method import Method, non_negative, positive
from neft.modes import evaluating


def negative_feedback_loss(
    backbone: Tensor,
    feedback: Sequence[Tensor],
    labels: Tensor,
    *,
    beta: float,
    decay: float = 0.1,
) -> Tensor:
    """Cross-entropy of the backbone's logits less the weighted feedback logits.

    L = CE(a (z_b - beta sum_n gamma_n z_n), y), a = 1 / (N + 1), gamma_n = decay^(n - 1)
    (NeFT, arXiv 2305.14561, with its published a_b = a_f = a and decay = 0.1).

    Args:
        backbone: z_b, logits, [batch, classes].
        feedback: z_1 .. z_N, logits of the same shape.
        labels: y, class indices, [batch].
        beta: strength of the feedback.
        decay: weight of each feedback relative to the one before.

    Returns:
        The loss, a scalar.
    """
    total = torch.zeros_like(backbone)
    for n, logits in enumerate(feedback):
        total = total + decay**n * logits
    return F.cross_entropy((backbone - beta * total) / (len(feedback) + 1), labels)


@dataclass(frozen=True)
class OVF(Method):
    """Oriented variational forward: the feedback is the network itself at larger variations.

    Args:
        beta: strength of the feedback.
        increments: added to sigma_d for z_1, z_2, ...; every layer sees the larger variation.
        decay: weight of each feedback relative to the one before.

    Raises:
        ValueError: beta or decay negative, no increment, or one not positive.
    """

    beta: float
    increments: tuple[float, ...] = (0.15, 0.10, 0.05)
    decay: float = 0.1

    def __post_init__(self) -> None:
        non_negative(beta=self.beta, decay=self.decay)
        if not self.increments:
            raise ValueError(f"increments must not be empty, got {self.increments}")
        positive(**{f"increments[{i}]": step for i, step in enumerate(self.increments)})

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        backbone = forward.backbone(inputs)
        feedback = [forward.feedback(inputs, forward.sigma_d + step) for step in self.increments]
        return negative_feedback_loss(backbone, feedback, labels, beta=self.beta, decay=self.decay)


@contextmanager
def snapshots(network: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of named submodules during forward passes inside the block.

    Args:
        network: any module.
        names: dotted names of submodules.

    Yields:
        A dictionary that each forward pass fills, name -> output.

    Raises:
        ValueError: the network has no such submodule.
    """
    modules = dict(network.named_modules())
    taken: dict[str, Tensor] = {}
    for name in names:
        if name not in modules:
            raise ValueError(f"snapshot must name a submodule of the network, got {name!r}")
    handles = [
        modules[name].register_forward_hook(
            lambda module, args, output, name=name: taken.__setitem__(name, output)
        )
        for name in names
    ]
    try:
        yield taken
    finally:
        for handle in handles:
            handle.remove()


@dataclass(frozen=True)
class IRS(Method):
    """Intermediate representation snapshot: the feedback is early features' own classification.

    Each snapshot is pooled to p x p, then linear to `hidden`, ReLU, linear to the classes, on
    noisy devices as well. These heads exist in training only. Where to take snapshots and the
    p of each is the network's `snapshots`, shallowest first.

    Args:
        beta: strength of the feedback.
        hidden: width of the heads.
        decay: weight of each feedback relative to the one before.

    Raises:
        ValueError: beta or decay negative, or hidden not positive.
    """

    beta: float
    hidden: int = 512
    decay: float = 0.1

    def __post_init__(self) -> None:
        non_negative(beta=self.beta, decay=self.decay)
        positive(hidden=self.hidden)

    def auxiliary(self, network: nn.Module, example: Tensor) -> nn.ModuleList:
        names = tuple(network.snapshots)
        with evaluating(network), torch.no_grad(), snapshots(network, names) as taken:
            classes = network(example[:1]).shape[1]
        return nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(size),
                nn.Flatten(),
                nn.Linear(taken[name].shape[1] * size**2, self.hidden),
                nn.ReLU(),
                nn.Linear(self.hidden, classes),
            )
            for name, size in network.snapshots.items()
        )

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        names = tuple(forward.network.snapshots)
        with snapshots(forward.network, names) as taken:
            backbone = forward.backbone(inputs)
        feedback = [
            forward.auxiliary(head, taken[name])
            for head, name in zip(auxiliary, names, strict=True)
        ]
        return negative_feedback_loss(backbone, feedback, labels, beta=self.beta, decay=self.decay)
