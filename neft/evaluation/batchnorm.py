"""BatchNorm statistics re-estimated on a chip, from a few unlabelled images."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import Dataset

from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import seeded
from neft.chip import Deploy, Hardware, Where, on_devices, program
from neft.data.calibration import training_images
from neft.evaluation.deployment import Deployment


@torch.no_grad()
def reestimate(network: nn.Module, chip: Mapping[str, Tensor], images: Tensor) -> dict[str, Tensor]:
    """Estimate the BatchNorm statistics of a network with a chip's weights.

    Device errors shift and scale the outputs of a layer, differently on each chip. Matching mean
    and variance undo that channel by channel, in digital hardware and without labels (after the
    adaptive batch normalisation statistics update of Joshi et al., doi
    10.1038/s41467-020-16108-9). All images pass as one batch. Each layer's statistics replace the
    trained ones before the batch goes on: they are not a running average, and the next layer's
    statistics are those of the inputs that it will get. The rest of the network is in evaluation
    mode. A layer that is called twice keeps the statistics of its last input.

    Args:
        network: any module with BatchNorm layers; it is not changed.
        chip: programmed weights by name, as `neft.chip.programming.program` returns.
        images: [images, channels, height, width], at least two.

    Returns:
        Running means and (unbiased) variances by buffer's name, to be passed together with the
        chip's weights to `torch.func.functional_call`.

    Raises:
        ValueError: there is no BatchNorm layer that keeps statistics, or there are fewer than two
            images.
    """
    layers = batch_norms(network)
    if len(images) < 2:
        raise ValueError(f"images must be at least 2 for a variance, got {len(images)}")
    kept = ("running_mean", "running_var")
    buffers = {
        (f"{path}.{name}" if path else name): layer.get_buffer(name).clone()
        for path, layer in layers.items()
        for name in kept
    }
    device = next(network.parameters()).device
    with evaluating(network), seeded("recalibration"), _from_inputs(layers.values()):
        torch.func.functional_call(network, {**chip, **buffers}, (images.to(device),))
    return buffers


def batch_norms(network: nn.Module) -> dict[str, _BatchNorm]:
    """Return the BatchNorm layers that keep statistics, by name.

    Raises:
        ValueError: there is no such layer.
    """
    layers = {
        path: layer
        for path, layer in network.named_modules()
        if isinstance(layer, _BatchNorm) and layer.running_mean is not None
    }
    if not layers:
        name = type(network).__name__
        raise ValueError(f"network must have BatchNorm that keeps statistics, got none in {name}")
    return layers


@contextmanager
def _from_inputs(layers: Iterable[_BatchNorm]) -> Iterator[None]:
    """Give each layer the statistics of its input, before the layer normalises it."""

    def update(layer: nn.Module, inputs: tuple[Tensor]) -> None:
        channels = inputs[0].transpose(0, 1).flatten(1)
        variance, mean = torch.var_mean(channels, dim=1)
        layer.get_buffer("running_mean").copy_(mean)
        layer.get_buffer("running_var").copy_(variance)

    hooks = [layer.register_forward_pre_hook(update) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def program_recalibrated(
    network: nn.Module,
    hardware: Hardware,
    sigma_d: float,
    *,
    images: Tensor,
    generator: torch.Generator,
    where: Where = on_devices,
) -> dict[str, Tensor]:
    """Program a network onto one chip and re-estimate its BatchNorm statistics.

    The other arguments are those of `neft.chip.program`.

    Args:
        images: see `reestimate`.

    Returns:
        Programmed weights and BatchNorm statistics by name, for `torch.func.functional_call`.
    """
    chip = program(network, hardware, sigma_d, generator=generator, where=where)
    return {**chip, **reestimate(network, chip, images)}


@dataclass(frozen=True)
class Recalibration(Deployment):
    """Program a chip, then re-estimate its BatchNorm statistics (see `reestimate`).

    Args:
        images: number of images of the training part, without labels; the same for every chip.
    """

    images: int

    def prepare(self, network: nn.Module, train: Dataset, *, where: Where = on_devices) -> Deploy:
        """Return `program_recalibrated` with the images.

        Raises:
            ValueError: the network has no BatchNorm layer that keeps statistics, or the training
                part has too few images.
        """
        batch_norms(network)
        images = training_images(train, self.images)
        return partial(program_recalibrated, images=images, where=where)
