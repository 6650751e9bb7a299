"""Monte Carlo inference: one network's accuracy on many chips."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset
from tqdm import tqdm

from neft._utils.allocator import keep_freed_memory
from neft._utils.checks import at_least
from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import generator, seeded
from neft.chip.execution import Execution, fast_execution
from neft.chip.fast_layers import fast_layers
from neft.chip.hardware import Hardware
from neft.chip.layers import Where, device_weights, on_devices
from neft.chip.programming import Deploy, program


@torch.no_grad()
def logits_over_chips(
    network: nn.Module,
    images: Tensor,
    hardware: Hardware,
    sigma_d: float,
    *,
    chips: int,
    key: str,
    where: Where = on_devices,
    deploy: Deploy = program,
    execution: Execution | None = None,
    progress: bool = False,
) -> Iterator[Tensor]:
    """Program the network onto several chips and yield each chip's logits for the same images.

    Chip i's errors depend on (key, i) alone: they are the same for every image, every execution
    and every network of the same shape, so that methods are compared on the same chips.

    Args:
        network: any module; it is not changed, and every submodule keeps its mode.
        images: [images, channels, height, width].
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        chips: number of draws.
        key: which population of chips, for example "test".
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).
        deploy: programs the network onto one chip: `program`, or what `prepare` of a correction
            returns for the same `where` (see `neft.evaluation.deployment`).
        execution: memory format and images per forward pass; None for what is fast
            (`neft.chip.execution`). It changes the last bits of the logits at most.
        progress: show a progress bar over the chips.

    Yields:
        Logits of one chip, [images, classes].

    Raises:
        ValueError: chips is below 1, sigma_d is negative or not finite, or a weight cannot be on
            devices (see `neft.chip.layers.device_weights`).
    """
    at_least(1, chips=chips)
    device_weights(network, where)  # refuse before the first chip
    execution = execution or fast_execution(network, images[:1])
    images = images.to(next(network.parameters()).device)
    for chip in tqdm(range(chips), desc="chips", disable=not progress):
        yield logits_of_chip(
            network, images, hardware, sigma_d,
            chip=chip, key=key, where=where, deploy=deploy, execution=execution,
        )  # fmt: skip


@torch.no_grad()
def logits_of_chip(
    network: nn.Module,
    images: Tensor,
    hardware: Hardware,
    sigma_d: float,
    *,
    chip: int,
    key: str,
    where: Where = on_devices,
    deploy: Deploy = program,
    execution: Execution,
) -> Tensor:
    """Return the logits of one of the chips of `logits_over_chips`, which tells the arguments."""
    keep_freed_memory()
    device = next(network.parameters()).device
    draw = generator("chip", key, chip, device=device)
    weights = deploy(network, hardware, sigma_d, generator=draw, where=where)
    # For layers that draw in evaluation too. Between chips the caller has torch's generator.
    with evaluating(network), fast_layers(network), seeded("layers", key, chip):
        batches = execution.batches(images.to(device))
        return torch.cat([torch.func.functional_call(network, weights, (b,)) for b in batches])


def accuracy_over_chips(
    network: nn.Module,
    data: TensorDataset,
    hardware: Hardware,
    sigma_d: float,
    *,
    chips: int,
    key: str,
    where: Where = on_devices,
    deploy: Deploy = program,
    execution: Execution | None = None,
    progress: bool = False,
) -> Tensor:
    """Measure the network's accuracy on each of several chips.

    The other arguments are those of `logits_over_chips`.

    Args:
        data: images and labels.

    Returns:
        Accuracy of each chip, fractions, float64 [chips].

    Raises:
        ValueError: see `logits_over_chips`.
    """
    images, labels = images_and_labels(data)
    over_chips = logits_over_chips(
        network, images, hardware, sigma_d, chips=chips, key=key,
        where=where, deploy=deploy, execution=execution, progress=progress,
    )  # fmt: skip
    return torch.stack([accuracy(logits, labels) for logits in over_chips])


def images_and_labels(data: TensorDataset) -> tuple[Tensor, Tensor]:
    """Return the two tensors of a data set; refuse one that is not in memory."""
    if not isinstance(data, TensorDataset):
        rule = "a TensorDataset, as neft.split_datasets makes"
        raise ValueError(f"data must be {rule}, got {type(data).__name__}")
    images, labels = data.tensors
    return images, labels


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the share of images whose largest logit is that of their label, float64."""
    return (logits.argmax(1).cpu() == labels.cpu()).double().mean()
