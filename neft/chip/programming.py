"""Programming: `program` writes a network's weights onto the devices of one chip.

A model is never rewritten: programmed weights are a dictionary of tensors, with which
`torch.func.functional_call` runs any `nn.Module`.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from neft._utils.checks import non_negative
from neft.chip.bit_slicing import read_weights
from neft.chip.hardware import Hardware
from neft.chip.layers import TRANSPOSED, Where, device_weights, on_devices

CHUNK = 1 << 16  # number of weights that are programmed at a time, approximately


def program_weight(
    weight: Tensor, hardware: Hardware, sigma_d: float, *, generator: torch.Generator
) -> Tensor:
    """Program one weight tensor.

    The mapping "weight" is the paper's weight-level model (NeFT, arXiv 2305.14561):
    w' = w + s c(M, K) e with s = max|W|. One error e is drawn for the whole weight, as if all its
    devices were at the conductance u = |w| / s. For errors with a mean mu(u) and independent
    devices, w' = w + sign(w) s (mu(u) + c(M, K) (e - mu(u))): a drift is common to the devices and
    moves |w|. Mean and variance are those of the devices' weighted sum. The shape is not: a skewed
    or heavy-tailed e keeps its shape, which a sum loses in part.

    The other mappings quantise the weight, slice it, and draw one error for each device
    (`neft.chip.bit_slicing.read_weights`).
    A few channels are programmed at a time, which bounds memory and keeps it in the cache.
    Half precision cannot represent all 8-bit levels: such weights are programmed in float32.

    The gradient takes the error as a constant: dw'/dw = 1.

    Args:
        weight: any shape; output channels first.
        hardware: devices, bits and mapping.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        generator: source of the draw, on the weight's device.

    Returns:
        The programmed weight; `weight` itself if sigma_d is 0 in the weight-level model, or if
        it is not finite, as after training that diverged.

    Raises:
        ValueError: sigma_d is negative or not finite.
    """
    non_negative(sigma_d=sigma_d)
    if sigma_d == 0 and hardware.mapping == "weight":
        return weight
    if weight.dtype.itemsize < 4:
        wide = program_weight(weight.float(), hardware, sigma_d, generator=generator)
        return wide.to(weight.dtype)
    with torch.no_grad():
        scale = _scale(weight, hardware)
        if not scale.isfinite().all():
            return weight
        programmed = torch.empty_like(weight)
        rows = max(1, CHUNK // max(1, weight[:1].numel()))
        for out, part, full in zip(
            programmed.split(rows), weight.split(rows), scale.split(rows), strict=True
        ):
            u = part.abs().div_(full.clamp_min(torch.finfo(part.dtype).tiny))
            if hardware.mapping == "weight":
                error = hardware.variation.sample(
                    u, sigma_d, generator=generator, shrink=hardware.slice_factor
                )
                signed = full if hardware.variation.symmetric else torch.copysign(full, part)
                torch.addcmul(part, error, signed, out=out)
            else:
                read = read_weights(u, part < 0, hardware, sigma_d, generator=generator)
                torch.mul(read, full, out=out)
    if torch.is_grad_enabled() and weight.requires_grad:
        return programmed + (weight - weight.detach())  # the programmed value, weight's gradient
    return programmed


def _scale(weight: Tensor, hardware: Hardware) -> Tensor:
    """Return the weight that full conductance stands for, by output channel: [out, 1, ...]."""
    shape = [len(weight), *[1] * (weight.dim() - 1)]
    if hardware.scale == "tensor":
        return torch.stack(weight.aminmax()).abs().max().expand(shape)  # no copy, as |W| would be
    return weight.abs().reshape(len(weight), -1).amax(1).reshape(shape)


def _swapped(weight: Tensor, groups: int) -> Tensor:
    """Return [groups * a, b, ...] as [groups * b, a, ...]; applied twice, it is the identity.

    A transposed convolution's weight is [in, out / groups, ...]: this puts its output channels
    first, and back again.
    """
    return weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)


def program(
    model: nn.Module,
    hardware: Hardware,
    sigma_d: float,
    *,
    generator: torch.Generator,
    where: Where = on_devices,
) -> dict[str, Tensor]:
    """Program a model's weights onto one chip.

    Args:
        model: any module; it is not changed.
        hardware: devices and bits.
        sigma_d: standard deviation of a device's error, fraction of its full range.
        generator: source of the draws, on the weights' device.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).

    Returns:
        Programmed weights by parameter name, for `torch.func.functional_call`.

    Raises:
        ValueError: sigma_d is negative or not finite, no weight is on devices, or a chosen weight
            cannot be (see `neft.chip.layers.device_weights`).

    >>> from neft._utils.seeding import generator
    >>> layer, hardware = nn.Linear(4, 2), Hardware.load("RRAM1")
    >>> chip = program(layer, hardware, 0.1, generator=generator("chip", 0))
    >>> torch.func.functional_call(layer, chip, torch.ones(1, 4)).shape
    torch.Size([1, 2])
    """
    chip: dict[str, Tensor] = {}
    for name, weight in device_weights(model, where).items():
        path, _, own = name.rpartition(".")
        layer = model.get_submodule(path)
        if isinstance(layer, TRANSPOSED) and own == "weight":
            first = _swapped(weight, layer.groups)
            programmed = program_weight(first, hardware, sigma_d, generator=generator)
            chip[name] = _swapped(programmed, layer.groups)
        else:
            chip[name] = program_weight(weight, hardware, sigma_d, generator=generator)
    if not chip:
        raise ValueError(f"model must have a weight on devices, got none in {type(model).__name__}")
    return chip


class Deploy(Protocol):
    """A function that programs a network onto one chip, as `program` does."""

    def __call__(
        self,
        network: nn.Module,
        hardware: Hardware,
        sigma_d: float,
        /,
        *,
        generator: torch.Generator,
        where: Where = on_devices,
    ) -> dict[str, Tensor]:
        """Return parameters and buffers by name, for `torch.func.functional_call`."""
