"""Run any network with converters and tiles around its device layers, and set their ranges."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn

from neft._utils.checks import positive
from neft._utils.evaluation_mode import evaluating
from neft._utils.seeding import seeded
from neft.chip.converted_layers import Convertible, converted_layers, running
from neft.chip.converter_ranges import ENDS, Learned, RangeRule, Ranges, check_ranges
from neft.chip.converters import (
    Bounds,
    Converted,
    Converters,
    convert,
    partial_sums,
    through_dac,
)
from neft.chip.layers import Where, on_devices
from neft.chip.learned_ranges import learned_ranges


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
        ValueError: a layer on devices is none that can have converters, or has a forward of its
            own; or ranges are missing, not positive and finite, or of another network.

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
    bounds: dict[str, Bounds] = {**ranges}
    if learning is not None:
        bounds = {name: {**ranges[name], "input": learning[name]} for name in ranges}
    with running(network, layers, partial(_convert, converters=converters, bounds=bounds)):
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
    signal that it will get. A layer that is called several times has the widest of its ranges, as
    W_hh of a recurrent layer, which is called at each step. Where a rule gives 0, as on a layer
    whose inputs are nearly all 0, the range is that of the largest value, and 1 if all are 0. The
    partial sums of all of a layer's tiles are in memory together.

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
        ValueError: a layer on devices is none that can have converters, has a forward of its own,
            or was not called, as layers inside torch's attention; or its range is not finite.
    """
    layers = converted_layers(network, where)
    found: dict[str, dict[str, float]] = {}
    learned = learned_ranges(network) if isinstance(converters.input_range, Learned) else {}
    mode = nullcontext() if training else evaluating(network)
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    measure = partial(_measure, converters=converters, learned=learned, found=found)
    with mode, seeded("calibration"), running(network, layers, measure):
        inputs = images.to(next(network.parameters()).device)
        torch.func.functional_call(network, buffers, (inputs,))
    for path, layer in layers.items():
        if path not in found:
            kind = type(layer).__name__
            raise ValueError(f"{path} must be called to have converters, got no call of {kind}")
    return {path: _filled(found[path]) for path in layers}


def _convert(
    name: str,
    part: Converted,
    input: Tensor,
    *,
    converters: Converters,
    bounds: Mapping[str, Bounds],
) -> Tensor:
    return convert(part, input, converters=converters, bounds=bounds[name])


def _measure(
    name: str,
    part: Converted,
    input: Tensor,
    *,
    converters: Converters,
    learned: Mapping[str, float],
    found: dict[str, dict[str, float]],
) -> Tensor:
    """Widen ranges to those of a call, and run it; 0 is the range of signals that are all 0."""
    bounds = found.setdefault(name, {})

    def widen(end: str, rule: RangeRule, signal: Tensor) -> None:
        bound = rule.bound(signal) or signal.abs().max().item()
        if bound:
            positive(**{f"{end} range of {name or 'network'}": bound})
        bounds[end] = max(bound, bounds.get(end, bound))

    if name in learned:
        bounds["input"] = learned[name]
    elif converters.input_range is not None:
        widen("input", converters.input_range, input)
    if converters.output_range is not None:
        inside = through_dac(input, converters, _filled(bounds))
        sums = torch.stack(list(partial_sums(part, inside, converters.tile_rows)))
        widen("output", converters.output_range, sums)
    return convert(part, input, converters=converters, bounds=_filled(bounds))


def _filled(bounds: Mapping[str, float]) -> dict[str, float]:
    return {end: bound or 1.0 for end, bound in bounds.items()}


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
