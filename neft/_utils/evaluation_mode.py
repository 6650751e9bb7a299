"""Put a network in evaluation mode for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network in evaluation mode inside the block; then restore the mode of each module.

    So a BatchNorm that is in evaluation mode while the rest trains stays so, also after an
    exception.
    """
    modes = {module: module.training for module in network.modules()}
    try:
        network.eval()
        yield
    finally:
        for module, training in modes.items():
            module.training = training
