"""The base class of training methods: a loss, and perhaps modules that exist in training only.

To add a method, write a frozen dataclass with a `loss`; its fields are its section of params.yaml:

    @dataclass(frozen=True)
    class Smoothed(Method, name="smoothed"):
        smoothing: float = 0.1

        def loss(self, forward, auxiliary, inputs, labels):
            logits = forward.backbone(inputs)
            return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.nn import functional as F

from neft._utils.checks import one_of
from neft.networks import INITIALISATIONS
from neft.training.noise_course import NoiseCourse
from neft.training.noisy_forward import NoisyForward
from neft.training.weight_range import WeightRange

METHODS: dict[str, type["Method"]] = {}
"""Training methods by their name in params.yaml; a subclass with a `name` registers itself."""


@dataclass(frozen=True)
class Method(WeightRange, NoiseCourse, ABC):
    """A training method: how one step turns a batch into a loss.

    Beside its own settings it has those of `WeightRange` and `NoiseCourse`.

    Args:
        initialisation: of the network's weights (`neft.networks.INITIALISATIONS`), where the
            method needs another than the run's; `train` only checks it.

    Raises:
        ValueError: initialisation is unknown; see also `WeightRange` and `NoiseCourse`.
    """

    initialisation: str | None = field(default=None, kw_only=True)

    def __init_subclass__(cls, name: str | None = None) -> None:
        if name is None:
            return
        if name in METHODS and METHODS[name].__module__.startswith("neft."):
            raise ValueError(f"name must not be that of a built-in method, got {name!r}")
        METHODS[name] = cls

    def __post_init__(self) -> None:
        WeightRange.__post_init__(self)
        NoiseCourse.__post_init__(self)
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

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the loss of the pretraining; `Baseline` divides its logits."""
        return F.cross_entropy(logits, labels)

    def step_loss(
        self,
        forward: NoisyForward,
        auxiliary: nn.Module,
        inputs: Tensor,
        labels: Tensor,
        progress: float,
    ) -> Tensor:
        """Return what a step minimises: the loss with its penalties, or that of the pretraining.

        The other arguments are those of `loss`.

        Args:
            progress: share of the training's steps before this one.
        """
        if progress < self.pretraining:
            return self.cross_entropy(forward.backbone(inputs, sigma_d=0.0), labels)
        loss, penalty = self.loss(forward, auxiliary, inputs, labels), self.penalty(forward)
        return loss if penalty is None else loss + penalty
