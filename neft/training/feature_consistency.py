"""Noise injection that draws the features of a noisy network to those it has without errors."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neft._utils.checks import non_negative
from neft.training.baselines import Baseline
from neft.training.irs import capture
from neft.training.noisy_forward import NoisyForward

TINY = torch.finfo(torch.float32).tiny


@dataclass(frozen=True)
class FeatureConsistency(Baseline, name="feature_consistency"):
    """Noise injection with a penalty on what the errors do to intermediate features.

    L = CE(z_b, y) + strength / N sum_n ||h_n - h_n0||^2 / ||h_n0||^2, with the features h_n of N
    submodules under errors and h_n0 without, which are constants to the gradient. After the idea of
    doi 10.1088/2632-2153/ad734a, of which we know the abstract only. It looks at the features that
    IRS classifies.

    Args:
        strength: of the penalty.
        snapshots: names of the submodules; None for those of the network's `snapshots`.

    Raises:
        ValueError: strength is negative or not finite, or snapshots is empty; before training
            starts: a name is not a submodule, or the network names none.
    """

    strength: float = 1.0
    snapshots: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        non_negative(strength=self.strength)
        if self.snapshots is not None and not self.snapshots:
            raise ValueError("snapshots must not be empty, got ()")

    def points(self, network: nn.Module) -> tuple[str, ...]:
        """Return the names of the submodules whose outputs are compared.

        Raises:
            ValueError: neither the method nor the network names any.
        """
        points = self.snapshots or tuple(getattr(network, "snapshots", ()))
        if not points:
            raise ValueError(f"snapshots must be given: {type(network).__name__} names none")
        return points

    def auxiliary(self, network: nn.Module, example: Tensor) -> nn.Module:
        with capture(network, self.points(network)):  # refuses a name that is no submodule
            return super().auxiliary(network, example)

    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        names = self.points(forward.network)
        with torch.no_grad(), capture(forward.network, names) as clean:
            forward.run(dict(forward.weights), inputs, aside=True)
        with capture(forward.network, names) as noisy:
            logits = forward.backbone(inputs)
        changes = [
            (noisy[name] - clean[name]).square().sum() / clean[name].square().sum().clamp_min(TINY)
            for name in names
        ]
        return self.cross_entropy(logits, labels) + self.strength * torch.stack(changes).mean()
