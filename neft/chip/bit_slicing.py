"""Device-level mappings: quantise a weight, slice it over devices, program, read, recombine.

They are the exact counterpart of the weight-level model: each device has its own error, drawn at
the level that the device holds.
"""

import torch
from torch import Tensor

from neft._utils.seeding import beside
from neft.chip.hardware import Hardware


def read_weights(
    size: Tensor,
    negative: Tensor,
    hardware: Hardware,
    sigma_d: float,
    *,
    generator: torch.Generator,
) -> Tensor:
    """Program weights device by device and read them back.

    |w| becomes an integer of M bits, q = round(size (2^M - 1)). Each of its n = M / K digits d_i
    of base 2^K is stored in one device: g_i = d_i / (2^K - 1). The reads g_i + error(g_i) are
    added with significances 2^(iK) / sum_j 2^(jK). "sign_bit" multiplies the sum by the sign.
    "differential" subtracts the sum of a second set of devices, those for the other sign, which
    are at level 0 and have their own errors. A stuck device holds the lowest or the highest
    level, with the error of that level. Which are stuck is drawn beside the errors: from the same
    state, the other devices of a chip err as they do without stuck ones.

    Args:
        size: |w| as a fraction of the scale, in [0, 1].
        negative: whether w < 0, same shape.
        hardware: devices, bits and mapping.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        generator: source of the draws, on the tensors' device.

    Returns:
        The weights as read, fractions of the scale, same shape. Without errors and stuck devices
        they are exactly sign * (q / (2^M - 1)).
    """
    largest = 2**hardware.weight_bits - 1
    total = _sum_of_reads((size * largest).round_(), hardware, sigma_d, generator)
    if hardware.mapping == "differential":
        total.sub_(_sum_of_reads(torch.zeros_like(size), hardware, sigma_d, generator))
    return total.div_(largest).mul_(torch.where(negative, -1.0, 1.0))


def _sum_of_reads(
    whole: Tensor, hardware: Hardware, sigma_d: float, generator: torch.Generator
) -> Tensor:
    """Store integers of M bits on devices and add the reads with their significances.

    The sum is in units of the integers, so that without errors nothing is rounded.
    """
    base = 2**hardware.device_bits
    total = torch.zeros_like(whole)
    for i in range(hardware.devices_per_weight):
        higher = (whole / base).floor_()
        digit = torch.sub(whole, higher, alpha=base)
        whole = higher
        _stick(digit, base - 1, hardware, beside(generator) if sigma_d > 0 else generator)
        total.add_(digit, alpha=base**i)
        if sigma_d > 0:
            error = hardware.variation.sample(digit / (base - 1), sigma_d, generator=generator)
            total.add_(error, alpha=(base - 1) * base**i)
    return total


def _stick(digit: Tensor, highest: int, hardware: Hardware, generator: torch.Generator) -> None:
    """Set a random share of the devices to the lowest and to the highest level."""
    low, high = hardware.stuck_low, hardware.stuck_high
    if low + high > 0:
        fate = torch.rand(digit.shape, generator=generator, device=digit.device, dtype=digit.dtype)
        digit.masked_fill_(fate < low, 0).masked_fill_(fate >= 1 - high, highest)
