"""IRS: negative feedback from classifiers on intermediate features, taken by forward hooks."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neft._utils.checks import positive
from neft._utils.evaluation_mode import evaluating
from neft.networks import INITIALISATIONS
from neft.training.negative_feedback import NegativeFeedback
from neft.training.noisy_forward import NoisyForward


@contextmanager
def capture(network: nn.Module, names: Sequence[str]) -> Iterator[dict[str, Tensor]]:
    """Collect the outputs of named submodules during forward passes inside the block.

    Args:
        network: any module.
        names: dotted names of submodules.

    Yields:
        A dictionary name -> output, filled by each forward pass.

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
class IRS(NegativeFeedback, name="irs"):
    """Intermediate representation snapshot: the feedback classifies early features.

    Each snapshot has a head: adaptive average pooling to p x p, linear to `hidden`, ReLU, linear
    to the classes, on noisy devices, too. Heads exist in training only; they are initialised as
    the network was (`neft.networks.build`; other networks' heads as torch does). Features
    [batch, channels, length] are pooled to p; [batch, features] are not pooled.

    Without `feedback_gradient` the heads are not trained: the feedback is that of random
    classifiers and does not shape the features.

    Args:
        snapshots: name of a submodule -> p, shallowest first; None for the network's `snapshots`.
        hidden: width of the heads.

    Raises:
        ValueError: hidden or a p is not positive, or snapshots is empty; before training starts:
            not one gamma per snapshot, a name is not a submodule, or its output is not a tensor
            of 2 to 4 dimensions.
    """

    snapshots: dict[str, int] | None = None
    hidden: int = 512

    def __post_init__(self) -> None:
        super().__post_init__()
        positive(hidden=self.hidden)
        if self.snapshots is not None:
            positive(**{f"snapshots.{name}": size for name, size in self.snapshots.items()})
            if not self.snapshots:
                raise ValueError("snapshots must not be empty, got {}")
            self.check_gammas("snapshots", len(self.snapshots))

    def points(self, network: nn.Module) -> dict[str, int]:
        """Return the submodules whose outputs are the snapshots, and the p of each.

        Raises:
            ValueError: neither the method nor the network names snapshots.
        """
        points = self.snapshots or getattr(network, "snapshots", None)
        if points is None:
            raise ValueError(f"snapshots must be given: {type(network).__name__} names none")
        self.check_gammas("snapshots", len(points))
        return points

    def auxiliary(self, network: nn.Module, example: Tensor) -> nn.ModuleList:
        points = self.points(network)
        with evaluating(network), torch.no_grad(), capture(network, tuple(points)) as taken:
            classes = network(example[:1]).shape[1]
        heads = nn.ModuleList(
            _head(name, taken[name], size, self.hidden, classes) for name, size in points.items()
        )
        INITIALISATIONS[getattr(network, "initialisation", "torch")].draw(heads)
        return heads

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        names = tuple(self.points(forward.network))
        with capture(forward.network, names) as taken:
            backbone = forward.backbone(inputs)
        with torch.set_grad_enabled(self.feedback_gradient):
            feedback = [
                forward.auxiliary(head, taken[name])
                for head, name in zip(auxiliary.children(), names, strict=True)
            ]
        return self.combine(backbone, feedback, labels)


POOLS = {2: nn.Identity, 3: nn.AdaptiveAvgPool1d, 4: nn.AdaptiveAvgPool2d}


def _head(name: str, feature: Tensor, size: int, hidden: int, classes: int) -> nn.Sequential:
    if not isinstance(feature, Tensor) or feature.dim() not in POOLS:
        shape = list(feature.shape) if isinstance(feature, Tensor) else type(feature).__name__
        raise ValueError(f"snapshot {name} must be a tensor of 2 to 4 dimensions, got {shape}")
    pool = POOLS[feature.dim()](size)
    return nn.Sequential(
        pool,
        nn.Flatten(),
        nn.Linear(pool(feature)[0].numel(), hidden),
        nn.ReLU(),
        nn.Linear(hidden, classes),
    )
