"""Corrections applied when a network is programmed onto a chip: what they have in common."""

from abc import ABC, abstractmethod

from torch import nn
from torch.utils.data import Dataset

from neft.chip import Deploy, Where, on_devices


class Deployment(ABC):
    """A correction at deployment: a frozen dataclass, whose representation tells all settings."""

    @abstractmethod
    def prepare(self, network: nn.Module, train: Dataset, *, where: Where = on_devices) -> Deploy:
        """Do what is done once for a network, and return what programs each chip.

        Args:
            network: a trained network; it is not changed.
            train: the training part, the only data that a correction may use.
            where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).

        Returns:
            The `deploy` of `neft.chip.monte_carlo.accuracy_over_chips`.

        Raises:
            ValueError: the correction does not apply to the network.
        """
