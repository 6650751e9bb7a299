"""Layers of a network that have converters: which they are, and how they run with them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, get_args

from torch import Tensor, nn

from neft.chip.attending import attend
from neft.chip.converter_ranges import range_names
from neft.chip.converters import Converted, Convolution, Projection
from neft.chip.layers import Where, device_weights, on_devices
from neft.chip.recurring import Cell, Recurrent, recur, step
from neft.chip.transposing import Transposed, convolve_transposed

Convertible = nn.Linear | Convolution | Transposed | nn.MultiheadAttention | Recurrent | Cell
KINDS: tuple[type[nn.Module], ...] = get_args(Convertible)  # of layers that may have converters
Run = Callable[[str, Converted, Tensor], Tensor]
"""Computes a layer, or a part of one, from the name of its ranges."""


def converted_layers(network: nn.Module, where: Where = on_devices) -> dict[str, Convertible]:
    """Return the layers whose weights are on devices, by the names of their ranges.

    A layer has its own name; a recurrent layer is there once for each of its weights that is on
    devices, by the weight's name.

    Raises:
        ValueError: one of them is none of `KINDS`, or has a forward of its own.
    """
    weights = set(map(id, device_weights(network, where).values()))
    layers: dict[str, Convertible] = {}
    for path, layer in network.named_modules():
        own = dict(layer.named_parameters(recurse=False, remove_duplicate=False))
        if weights.isdisjoint(map(id, own.values())):
            continue
        checked = _checked(path or "network", layer)
        for name, weight in range_names(path, layer):
            if not weight or id(own[weight]) in weights:
                layers[name] = checked
    return layers


def _checked(name: str, layer: nn.Module) -> Convertible:
    """Return a layer, or refuse it."""
    kind = type(layer).__name__
    if not isinstance(layer, Convertible):
        kinds = ", ".join(each.__name__ for each in KINDS)
        raise ValueError(f"{name} must be one of {kinds} to have converters, got {kind}")
    if getattr(layer.forward, "__func__", None) not in [each.forward for each in KINDS]:
        raise ValueError(f"{name} must have torch's forward to have converters, got {kind}'s")
    return layer


@contextmanager
def running(network: nn.Module, layers: Mapping[str, Convertible], run: Run) -> Iterator[None]:
    """Let layers, or the parts of those that have some, be computed by `run`.

    A layer's forward becomes a `partial` of the layer, so that a copy gets one of its own. The
    hook keeps torch's transformers from a fast path that does not call their layers.
    """
    chosen, names = set(layers.values()), frozenset(layers)
    with ExitStack() as stack:
        for path, layer in network.named_modules():
            if layer in chosen:
                project = partial(_project, path, run=run, names=names)
                vars(layer)["forward"] = partial(_forward(layer), layer, project=project)
                stack.callback(vars(layer).pop, "forward")
                stack.callback(layer.register_forward_pre_hook(_called).remove)
        yield


def _forward(layer: nn.Module) -> Callable[..., Any]:
    """Return the function that computes a layer from what `project` makes of its parts."""
    if isinstance(layer, nn.MultiheadAttention):
        return attend
    if isinstance(layer, Transposed):
        return convolve_transposed
    if isinstance(layer, Recurrent):
        return recur
    return step if isinstance(layer, Cell) else _whole


def _whole(layer: Converted, input: Tensor, *, project: Callable[..., Tensor]) -> Tensor:
    """Compute a layer that is one part."""
    return project(layer, input)


def _project(
    path: str, part: Converted, input: Tensor, *, run: Run, names: frozenset[str]
) -> Tensor:
    """Compute a part of the layer `path` by `run`, or exactly where its weight is digital."""
    weight = part.name if isinstance(part, Projection) else ""
    name = f"{path}.{weight}".strip(".")
    return run(name, part, input) if name in names else part.forward(input)


def _called(layer: nn.Module, inputs: tuple) -> None:
    """Do nothing, as a hook."""
