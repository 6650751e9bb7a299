"""Ranges of converters that training learned, kept on a network's layers."""

from collections.abc import Mapping

from torch import nn

from neft._utils.checks import positive
from neft.chip.converter_ranges import range_names

LEARNED = "learned_input_ranges"
"""Attribute of a layer: the bound of its inputs by the weight, as `range_names` has it."""


def learned_ranges(network: nn.Module) -> dict[str, float]:
    """Return the bounds of inputs that training learned, by the name of the range."""
    return {
        name: getattr(layer, LEARNED)[weight]
        for path, layer in network.named_modules()
        for name, weight in range_names(path, layer)
        if weight in getattr(layer, LEARNED, {})
    }


def set_learned_ranges(network: nn.Module, ranges: Mapping[str, float]) -> None:
    """Give layers the bounds that `learned_ranges` returned for a network of the same shape.

    Raises:
        ValueError: the network has no such layer, or a bound is not positive and finite.
    """
    layers = {
        name: (layer, weight)
        for path, layer in network.named_modules()
        for name, weight in range_names(path, layer)
    }
    for name, bound in ranges.items():
        positive(**{f"learned range of {name}": bound})
        if name not in layers:
            raise ValueError(f"learned range must be of a layer, got {name!r}")
        layer, weight = layers[name]
        setattr(layer, LEARNED, {**getattr(layer, LEARNED, {}), weight: bound})
