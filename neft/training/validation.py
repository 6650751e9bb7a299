"""Accuracy under noise on the validation part, in one pass over its images."""

from torch import nn
from torch.utils.data import TensorDataset

from neft.chip import Deploy, Execution, Hardware, Where, logits_of_chip, on_devices, program


def validation_accuracy(
    network: nn.Module,
    validation: TensorDataset,
    hardware: Hardware,
    sigma_d: float,
    *,
    chips: int,
    execution: Execution,
    where: Where = on_devices,
    deploy: Deploy = program,
) -> float:
    """Measure the accuracy of a network over chips, each of which sees its own share of the images.

    With n images and C chips, the variance of this mean is s_c^2 / C + (s_i^2 + s_ci^2) / n for
    spreads of chips, of images and of their interaction. If every chip saw every image, only the
    last term would be smaller, divided by C as well, for C times the work. Chips and shares are
    the same each time, so that epochs are compared on equal terms.

    Args:
        network: any module; it is not changed.
        validation: images and labels; chip i sees every C-th image from the i-th on.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        chips: number of chips; at most one per image is used.
        execution: memory format and images per forward pass.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).
        deploy: programs the network onto one chip.

    Returns:
        Share of images that their chip classifies rightly.
    """
    images, labels = validation.tensors
    chips = min(chips, len(images))
    right = 0
    for chip in range(chips):
        logits = logits_of_chip(
            network, images[chip::chips], hardware, sigma_d,
            chip=chip, key="validation", where=where, deploy=deploy, execution=execution,
        )  # fmt: skip
        right += int((logits.argmax(1).cpu() == labels[chip::chips].cpu()).sum())
    return right / len(images)
