"""How a network runs fast on this kind of device: memory format and images per forward pass.

Both follow from one pass over one image, without a clock: the choice, and so the last bits of all
results, is the same each time and on each machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from neft._utils.checks import at_least
from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import seeded
from neft.chip.fast_layers import LANES, corrupts_memory

CACHE = 1 << 25
"""Bytes that the inputs and outputs of a batch's largest layer may fill: 32 MiB, the third-level
cache of one core complex of a server. Half or twice as much costs a few per cent."""

LEAST = 8  # images of a batch: with fewer, reading the weights takes longer than the arithmetic
ON_ACCELERATOR = 500  # images of a batch on other devices, where neither choice was measured


@dataclass(frozen=True)
class Execution:
    """How to run a network.

    Args:
        memory_format: of the images; layers keep it.
        batch_size: images per forward pass.

    Raises:
        ValueError: batch_size is below 1.
    """

    memory_format: torch.memory_format
    batch_size: int

    def __post_init__(self) -> None:
        at_least(1, batch_size=self.batch_size)

    def batches(self, images: Tensor) -> list[Tensor]:
        """Split images into batches in the memory format."""
        return [self.formatted(batch) for batch in images.split(self.batch_size)]

    def formatted(self, images: Tensor) -> Tensor:
        """Return images in the memory format; inputs of other shapes have one format only."""
        return images.to(memory_format=self.memory_format) if images.dim() == 4 else images


@torch.no_grad()
def fast_execution(network: nn.Module, image: Tensor) -> Execution:
    """Choose how to run a network on the device that it is on.

    On a CPU, convolutions are fastest in the format channels_last, by a fifth to a third, and so
    are the layers between them if every convolution has channels enough to fill a vector. A
    network that cannot run in it, or gives other logits, keeps the contiguous format.

    Args:
        network: any module; it is not changed.
        image: one image, [1, channels, height, width], or an input of another shape.
    """
    device = next(network.parameters()).device
    image = image.to(device)
    if device.type != "cpu":
        return Execution(torch.contiguous_format, ON_ACCELERATOR)
    with evaluating(network), seeded("execution"), _largest(network) as bytes_of_layers:
        logits = network(image)
    batch_size = max(LEAST, CACHE // max(bytes_of_layers))
    if image.dim() == 4 and _fills_vectors(network):
        with evaluating(network), seeded("execution"):
            try:
                same = network(image.to(memory_format=torch.channels_last))
            except RuntimeError:  # a `view` of features, which demands contiguous ones
                return Execution(torch.contiguous_format, batch_size)
        if torch.allclose(same, logits, rtol=1e-3, atol=1e-5, equal_nan=True):
            return Execution(torch.channels_last, batch_size)
    return Execution(torch.contiguous_format, batch_size)


def _fills_vectors(network: nn.Module) -> bool:
    outputs = [layer.out_channels for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    safe = not any(map(corrupts_memory, network.modules()))
    return safe and min(outputs, default=0) >= LANES


@contextmanager
def _largest(network: nn.Module) -> Iterator[list[int]]:
    """Collect the bytes of each layer's inputs and outputs during a forward pass."""
    found = [1]

    def add(layer: nn.Module, inputs: tuple, output: object) -> None:
        tensors = [each for each in (*inputs, output) if isinstance(each, Tensor)]
        found.append(sum(each.nbytes for each in tensors))

    leaves = [layer for layer in network.modules() if not list(layer.children())]
    handles = [layer.register_forward_hook(add) for layer in leaves]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()
