"""The base class of training methods: a loss, and perhaps modules that exist in training only.

To add a method, write a frozen dataclass with a `loss`; its fields are its section of params.yaml:

    @dataclass(frozen=True)
    class Smoothed(Method, name="smoothed"):
        smoothing: float = 0.1

        def loss(self, forward, auxiliary, inputs, labels):
            logits = forward.backbone(inputs)
            return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from neft._utils.checks import one_of
from neft.chip import device_weights
from neft.networks import INITIALISATIONS
from neft.training.noisy_forward import NoisyForward

METHODS: dict[str, type["Method"]] = {}
"""Training methods by their name in params.yaml; a subclass with a `name` registers itself."""


@dataclass(frozen=True)
class Method(ABC):
    """A training method: how one step turns a batch into a loss.

    Args:
        clip: after every step, weights are clipped to this many standard deviations of their
            tensor; None for no clipping. It lowers max|W|, to which errors are proportional.
        initialisation: of the network's weights (`neft.networks.INITIALISATIONS`), where the
            method needs another than the run's; `train` only checks it.

    Raises:
        ValueError: initialisation is unknown; clip is infinite or not above 1 (the largest weight
            is never below its tensor's standard deviation, so that every step would shrink all
            weights).
    """

    clip: float | None = field(default=None, kw_only=True)
    initialisation: str | None = field(default=None, kw_only=True)

    def __init_subclass__(cls, name: str | None = None) -> None:
        if name is not None:
            METHODS[name] = cls

    def __post_init__(self) -> None:
        if self.clip is not None and not 1 < self.clip < math.inf:
            raise ValueError(f"clip must be above 1 and finite, got {self.clip}")
        if self.initialisation is not None:
            one_of(INITIALISATIONS, initialisation=self.initialisation)

    def auxiliary(self, network: nn.Module, example: Tensor) -> nn.Module:
        """Build the modules that are trained with the network and dropped after training.

        Args:
            network: the network to train.
            example: a few inputs, from which shapes are inferred.

        Returns:
            A module; by default one without parameters.
        """
        return nn.ModuleList()

    @abstractmethod
    def loss(
        self, forward: NoisyForward, auxiliary: nn.Module, inputs: Tensor, labels: Tensor
    ) -> Tensor:
        """Return the scalar loss of one batch.

        Args:
            forward: noisy forward passes of the network.
            auxiliary: the module that the method's `auxiliary` returned.
            inputs: [batch, channels, height, width].
            labels: class indices, [batch].
        """

    @torch.no_grad()
    def after_step(self, forward: NoisyForward, auxiliary: nn.Module) -> None:
        """Change the trained modules after each optimiser step: clip their weights if asked to."""
        if self.clip is None:
            return
        trained = device_weights(forward.network, forward.where), device_weights(auxiliary)
        for weight in (weight for weights in trained for weight in weights.values()):
            bound = self.clip * weight.std(correction=0)
            weight.clamp_(-bound, bound)
