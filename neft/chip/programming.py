"""Programming: `program` writes a network's weights onto the devices of one chip.

A model is never rewritten: programmed weights are a dictionary of tensors, with which
`torch.func.functional_call` runs any `nn.Module`.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

from neft._utils.checks import non_negative, one_of
from neft.chip.bit_slicing import read_weights
from neft.chip.hardware import Hardware
from neft.chip.layers import TRANSPOSED, Where, device_weights, on_devices

CHUNK = 1 << 16  # number of weights that are programmed at a time, approximately


Scale = float | Tensor
"""The weight that full conductance stands for: one, or one by output channel, [out, 1, ...]."""


def program_weight(
    weight: Tensor,
    hardware: Hardware,
    sigma_d: float,
    *,
    generator: torch.Generator,
    scale: Scale | None = None,
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
        scale: what `weight_scale` returns of this weight; None to compute it.

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
        wide = program_weight(weight.float(), hardware, sigma_d, generator=generator, scale=scale)
        return wide.to(weight.dtype)
    with torch.no_grad():
        scale = weight_scale(weight, hardware) if scale is None else scale
        if not torch.as_tensor(scale).isfinite().all():
            return weight
        programmed = torch.empty_like(weight)
        rows = max(1, CHUNK // max(1, weight[:1].numel()))
        parts = programmed.split(rows), weight.split(rows)
        scales = scale.split(rows) if isinstance(scale, Tensor) else [scale] * len(parts[0])
        for out, part, full in zip(*parts, scales, strict=True):
            _program_part(part, full, hardware, sigma_d, generator, out)
    if torch.is_grad_enabled() and weight.requires_grad:
        return _StraightThrough.apply(weight, programmed)
    return programmed


def _program_part(
    part: Tensor,
    full: Scale,
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


@torch.no_grad()
def weight_scale(weight: Tensor, hardware: Hardware) -> Scale:
    """Return max|W| of a weight, or max|w| of each output channel, as `hardware.scale` says.

    Args:
        weight: any shape; output channels first.
        hardware: devices, bits and mapping.
    """
    if hardware.scale == "tensor":
        low, high = (end.item() for end in weight.aminmax())  # no copy, as |W| would be
        return max(-low, high)
    wide = weight.float() if weight.dtype.itemsize < 4 else weight
    lows, highs = wide.reshape(len(wide), -1).aminmax(dim=1)  # of one dimension, too
    return torch.maximum(-lows, highs).view(-1, *[1] * (weight.dim() - 1))


def _swapped(weight: Tensor, groups: int) -> Tensor:
    """Return [groups * a, b, ...] as [groups * b, a, ...]; applied twice, it is the identity.

    A transposed convolution's weight is [in, out / groups, ...]: this puts its output channels
    first, and back again. With no groups, of any other weight, nothing changes.
    """
    if not groups:
        return weight
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

    Examples:
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
    scales: Mapping[str, Scale] | None = None,
) -> dict[str, Tensor]:
    """Program weights that `device_weights` found in a model, as `program` does.

    With `scales`, which `weight_scales` returned for them, theirs are not computed again.
    """
    chip: dict[str, Tensor] = {}
    for name, weight in weights.items():
        groups = _transposed_groups(model, name)
        first, scale = _swapped(weight, groups), None if scales is None else scales[name]
        programmed = program_weight(first, hardware, sigma_d, generator=generator, scale=scale)
        chip[name] = _swapped(programmed, groups)
    return chip


def weight_scales(
    weights: Mapping[str, Tensor], model: nn.Module, hardware: Hardware
) -> dict[str, Scale]:
    """Return the scales of weights that `device_weights` found in a model, by name.

    They hold until the weights change, for all chips that are programmed with them meanwhile.
    """
    return {
        name: weight_scale(_swapped(weight, _transposed_groups(model, name)), hardware)
        for name, weight in weights.items()
    }


@torch.no_grad()
def full_scales(
    weights: Mapping[str, Tensor], model: nn.Module, hardware: Hardware
) -> dict[str, Tensor]:
    """Return what `weight_scales` does as tensors that broadcast with each weight as it is.

    They have the weight's dtype and device.
    """
    found: dict[str, Tensor] = {}
    for name, scale in weight_scales(weights, model, hardware).items():
        weight, groups = weights[name], _transposed_groups(model, name)
        full = torch.as_tensor(scale, dtype=weight.dtype, device=weight.device)
        if full.dim() and groups:
            full = _swapped(full.expand_as(_swapped(weight, groups)), groups)
        found[name] = full
    return found


@torch.no_grad()
def error_deviations(
    weights: Mapping[str, Tensor], model: nn.Module, hardware: Hardware, sigma_d: float
) -> dict[str, Tensor]:
    """Return the standard deviation of each weight's error, by name: s c(M, K) sigma(|w| / s).

    Args:
        weights: that `device_weights` found in the model.
        model: any module.
        hardware: devices, bits and mapping.
        sigma_d: standard deviation of a device's error, fraction of its full range.

    Raises:
        ValueError: the mapping is at device level.
    """
    one_of(("weight",), mapping=hardware.mapping)
    found: dict[str, Tensor] = {}
    for name, full in full_scales(weights, model, hardware).items():
        u = weights[name].abs() / full.clamp_min(torch.finfo(full.dtype).tiny)
        spread = full * hardware.variation.spread(u, sigma_d * hardware.slice_factor)
        found[name] = spread.expand_as(weights[name])
    return found


def _transposed_groups(model: nn.Module, name: str) -> int:
    """Return the groups of a transposed convolution if the weight is one's, otherwise 0."""
    path, _, own = name.rpartition(".")
    layer = model.get_submodule(path)
    return layer.groups if isinstance(layer, TRANSPOSED) and own == "weight" else 0


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
