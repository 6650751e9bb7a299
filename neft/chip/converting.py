"""Run any network with converters and tiles around its device layers, and set their ranges."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import get_args

import torch
from torch import Tensor, nn

from neft._utils.checks import positive
from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import seeded
from neft.chip.attending import attend
from neft.chip.converter_ranges import ENDS, Learned, RangeRule, Ranges, check_ranges
from neft.chip.converters import (
    Bounds,
    Converted,
    Converters,
    Convolution,
    convert,
    partial_sums,
    through_dac,
)
from neft.chip.layers import Where, device_weights, on_devices

LEARNED_RANGE = "learned_input_range"
"""Attribute of a layer: the bound of its inputs that training learned."""

Convertible = nn.Linear | Convolution | nn.MultiheadAttention
KINDS: tuple[type[nn.Module], ...] = get_args(Convertible)  # of layers that may have converters


@contextmanager
def converting(
    network: nn.Module,
    converters: Converters,
    ranges: Ranges,
    *,
    where: Where = on_devices,
    learning: Mapping[str, Tensor] | None = None,
) -> Iterator[None]:
    """Put converters and tiles around a network's device layers inside the block.

    All that runs the network inside the block sees them: a plain call, `torch.func.functional_call`
    with programmed weights, `accuracy_over_chips`, `train`. So do copies of the network that are
    made there, and they keep them. Ranges do not change, but those that training learns.

    Rounding can turn a difference in a last bit, as between memory formats or sizes of a batch,
    into a whole step of a converter.

    Args:
        network: any module; after the block it is as it was.
        converters: around the devices; with neither converters nor tiles the network runs as it is.
        ranges: of each layer, as `calibrate` returns them for the same `where`.
        where: (weight's name, its layer) -> whether it is on devices (see `neft.chip.layers`).
        learning: input bounds by layer that are learned inside the block, in the place of those of
            `ranges`; for converters whose input range is `Learned`.

    Raises:
        ValueError: a layer on devices is none of `KINDS` or has a forward of its own, or ranges are
            missing, not positive and finite, or of another network.

    Examples:
        >>> from neft.chip import Converters, Percentile
        >>> network, images = nn.Sequential(nn.Linear(4, 2)), torch.ones(3, 4)
        >>> converters = Converters(dac_bits=8, input_range=Percentile(100), tile_rows=2)
        >>> ranges = calibrate(network, images, converters)
        >>> ranges
        {'0': {'input': 1.0}}
        >>> with converting(network, converters, ranges):
        ...     outputs = network(images)
    """
    if converters.exact:
        yield
        return
    layers = converted_layers(network, where)
    _match(ranges, layers, converters)
    with ExitStack() as stack:
        for path, layer in layers.items():
            bounds: Bounds = ranges[path]
            if learning is not None:
                bounds = {**bounds, "input": learning[path]}
            run = partial(convert, converters=converters, bounds=bounds)
            stack.enter_context(_running(layer, run))
        yield


@torch.no_grad()
def calibrate(
    network: nn.Module,
    images: Tensor,
    converters: Converters,
    *,
    where: Where = on_devices,
    training: bool = False,
) -> dict[str, dict[str, float]]:
    """Set the range of each layer's converters from the signals of calibration images.

    All images pass as one batch through the network in evaluation mode. Where the input range is
    `Learned`, a layer that was trained with it has what it learned. A layer's ranges are set
    before the batch goes on through its converters, so that the next layer's range is that of the
    signal that it will get. A layer that is called several times has the widest of its ranges.
    Where a rule gives 0, as on a layer whose inputs are nearly all 0, the range is that of the
    largest value, and 1 if all are 0. The partial sums of all of a layer's tiles are in memory
    together.

    Args:
        network: any module; it is not changed.
        images: [images, channels, height, width], or inputs of another shape.
        converters: whose rules set the ranges, that of the outputs from the partial sums of all of
            a layer's tiles.
        where: see `converting`.
        training: leave the network in its mode, with BatchNorm's statistics those of the images in
            training; its buffers do not change.

    Returns:
        Ranges by layer, for `converting` and `neft.chip.converter_ranges.save_ranges`.

    Raises:
        ValueError: a layer on devices is none of `KINDS`, has a forward of its own, or was not
            called, as layers inside torch's attention; or its range is not finite.
    """
    layers = converted_layers(network, where)
    found: dict[str, dict[str, float]] = {}
    mode = nullcontext() if training else evaluating(network)
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with mode, seeded("calibration"), ExitStack() as stack:
        for path, layer in layers.items():
            run = partial(_measure, layer, converters=converters, path=path, found=found)
            stack.enter_context(_running(layer, run))
        inputs = images.to(next(network.parameters()).device)
        torch.func.functional_call(network, buffers, (inputs,))
    for path, layer in layers.items():
        if path not in found:
            kind = type(layer).__name__
            raise ValueError(f"{path} must be called to have converters, got no call of {kind}")
    return {path: found[path] for path in layers}


def converted_layers(network: nn.Module, where: Where = on_devices) -> dict[str, Convertible]:
    """Return the layers whose weights are on devices, by name.

    Raises:
        ValueError: one of them is none of `KINDS`, or has a forward of its own.
    """
    weights = set(map(id, device_weights(network, where).values()))
    layers: dict[str, Convertible] = {}
    for path, layer in network.named_modules():
        if weights.isdisjoint(map(id, layer.parameters(recurse=False))):
            continue
        name, kinds = path or "network", ", ".join(kind.__name__ for kind in KINDS)
        if not isinstance(layer, Convertible):
            raise ValueError(
                f"{name} must be one of {kinds} to have converters, got {type(layer).__name__}"
            )
        if getattr(layer.forward, "__func__", None) not in [kind.forward for kind in KINDS]:
            kind = type(layer).__name__
            raise ValueError(f"{name} must have torch's forward to have converters, got {kind}'s")
        layers[path] = layer
    return layers


def learned_ranges(network: nn.Module) -> dict[str, float]:
    """Return the bounds of inputs that training learned, by layer."""
    return {
        path: getattr(layer, LEARNED_RANGE)
        for path, layer in network.named_modules()
        if hasattr(layer, LEARNED_RANGE)
    }


def set_learned_ranges(network: nn.Module, ranges: Mapping[str, float]) -> None:
    """Give layers the bounds that `learned_ranges` returned for a network of the same shape.

    Raises:
        ValueError: the network has no such layer, or a bound is not positive and finite.
    """
    for path, bound in ranges.items():
        positive(**{f"learned range of {path}": bound})
        try:
            layer = network.get_submodule(path)
        except AttributeError as error:
            raise ValueError(f"learned range must be of a layer, got {path!r}") from error
        setattr(layer, LEARNED_RANGE, bound)


@contextmanager
def _running(layer: Convertible, run: Callable[[Converted, Tensor], Tensor]) -> Iterator[None]:
    """Let a layer, or attention's projections, be computed by `run`.

    The layer's forward becomes a `partial` of the layer, so that a copy gets one of its own. The
    hook keeps torch's transformers from a fast path that does not call their layers.
    """
    if isinstance(layer, nn.MultiheadAttention):
        vars(layer)["forward"] = partial(attend, layer, project=run)
    else:
        vars(layer)["forward"] = partial(run, layer)
    hook = layer.register_forward_pre_hook(_called)
    try:
        yield
    finally:
        hook.remove()
        del vars(layer)["forward"]


def _called(layer: nn.Module, inputs: tuple) -> None:
    """Do nothing, as a hook."""


def _measure(
    owner: nn.Module,
    layer: Converted,
    input: Tensor,
    *,
    converters: Converters,
    path: str,
    found: dict[str, dict[str, float]],
) -> Tensor:
    """Widen the ranges of a layer, or of the owner of a projection, to those of a call; run it."""
    bounds = found.setdefault(path, {})

    def widen(end: str, rule: RangeRule, signal: Tensor) -> None:
        bound = rule.bound(signal) or signal.abs().max().item() or 1.0
        positive(**{f"{end} range of {path or 'network'}": bound})
        bounds[end] = max(bound, bounds.get(end, bound))

    learned = getattr(owner, LEARNED_RANGE, None)
    if isinstance(converters.input_range, Learned) and learned is not None:
        bounds["input"] = learned
    elif converters.input_range is not None:
        widen("input", converters.input_range, input)
    if converters.output_range is not None:
        inside = through_dac(input, converters, bounds)
        sums = torch.stack(list(partial_sums(layer, inside, converters.tile_rows)))
        widen("output", converters.output_range, sums)
    return convert(layer, input, converters=converters, bounds=bounds)


def _match(ranges: Ranges, layers: dict[str, Convertible], converters: Converters) -> None:
    """Refuse ranges that are not those of these layers, or lack one that they need."""
    check_ranges(ranges)
    for path in [*layers, *ranges]:
        if (path in layers) != (path in ranges):
            found = "a layer without ranges" if path in layers else "ranges without a layer"
            raise ValueError(f"ranges must be those of the network's layers, got {path!r}, {found}")
    for path in layers:
        for end in ENDS:
            needed = getattr(converters, f"{end}_range") is not None
            if needed and end not in ranges[path]:
                raise ValueError(f"ranges of {path} must have {end}, got {dict(ranges[path])}")
