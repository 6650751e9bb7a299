"""Programming: `program` writes a network's weights onto the devices of one chip.

A model is never rewritten: programmed weights are a dictionary of tensors, with which
`torch.func.functional_call` runs any `nn.Module`.
"""

import math
from collections.abc import Mapping
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
        low, high = (end.item() for end in weight.aminmax())  # no copy, as |W| would be
        if not math.isfinite(high - low):
            return weight
        largest = max(-low, high)
        programmed = torch.empty_like(weight)
        rows = max(1, CHUNK // max(1, weight[:1].numel()))
        for out, part in zip(programmed.split(rows), weight.split(rows), strict=True):
            full = largest if hardware.scale == "tensor" else _largest_by_channel(part)
            _program_part(part, full, hardware, sigma_d, generator, out)
    if torch.is_grad_enabled() and weight.requires_grad:
        return _StraightThrough.apply(weight, programmed)
    return programmed


def _program_part(
    part: Tensor,
    full: float | Tensor,
    hardware: Hardware,
    sigma_d: float,
    generator: torch.Generator,
    out: Tensor,
) -> None:
    """Program a few channels into `out`; `full` is the weight that full conductance stands for."""
    tiny = torch.finfo(part.dtype).tiny  # weights that are all 0 have u = 0
    u = part.abs()
    u.div_(full.clamp_min(tiny) if isinstance(full, Tensor) else max(full, tiny))
    if hardware.mapping == "weight":
        error = hardware.variation.sample(
            u, sigma_d, generator=generator, shrink=hardware.slice_factor
        )
        error.mul_(full)
        if not hardware.variation.symmetric:
            error = torch.where(part.signbit(), -error, error)  # of -0.0 too
        torch.add(part, error, out=out)
    else:
        read = read_weights(u, part < 0, hardware, sigma_d, generator=generator)
        torch.mul(read, full, out=out)


class _StraightThrough(torch.autograd.Function):
    """The second tensor's value with the first one's gradient, without arithmetic or a copy."""

    @staticmethod
    def forward(ctx, weight: Tensor, programmed: Tensor) -> Tensor:
        return programmed.view_as(programmed)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


def _largest_by_channel(weight: Tensor) -> Tensor:
    """Return max|w| by output channel, [out, 1, ...]."""
    return weight.abs().amax(tuple(range(1, weight.dim())), keepdim=True)


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
    weights = device_weights(model, where)
    if not weights:
        raise ValueError(f"model must have a weight on devices, got none in {type(model).__name__}")
    return program_each(weights, model, hardware, sigma_d, generator=generator)


def program_each(
    weights: Mapping[str, Tensor],
    model: nn.Module,
    hardware: Hardware,
    sigma_d: float,
    *,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Program weights that `device_weights` found in a model, as `program` does."""
    chip: dict[str, Tensor] = {}
    for name, weight in weights.items():
        path, _, own = name.rpartition(".")
        layer = model.get_submodule(path)
        if isinstance(layer, TRANSPOSED) and own == "weight":
            first = _swapped(weight, layer.groups)
            programmed = program_weight(first, hardware, sigma_d, generator=generator)
            chip[name] = _swapped(programmed, layer.groups)
        else:
            chip[name] = program_weight(weight, hardware, sigma_d, generator=generator)
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
