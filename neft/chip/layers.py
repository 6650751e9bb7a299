"""Which weights of a network are on devices: found by layer, in any `nn.Module`."""

from collections.abc import Callable
from typing import cast

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
DEVICE_LAYERS = (
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED),
    *(nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase),
)
"""Kinds of layers whose weights are on devices unless `where` says otherwise."""
WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)

Where = Callable[[str, nn.Module], bool]
"""Says, from a weight's name and its layer, whether it is on devices, as `on_devices` does."""


def on_devices(name: str, layer: nn.Module) -> bool:
    """Say whether a weight is on devices: the default predicate.

    The weights of linear, convolution, transposed convolution, attention and recurrent layers
    are. Biases and normalisation are digital (NeFT, arXiv 2305.14561). So are `nn.Embedding`, a
    table that is read and not multiplied, `nn.Bilinear`, whose product with two inputs is no
    matrix-vector product, and parameters that a module of your own multiplies by itself, such as
    the low-rank factors in a wrapper of a linear layer: choose those with your own predicate.

    Raises:
        ValueError: a subclass of a device layer has a further matrix, as a LoRA layer has; whether
            that one is on devices, your own predicate must say.
    """
    if isinstance(layer, DEVICE_LAYERS) and name.rpartition(".")[2] not in _layer_weights(layer):
        kind = type(layer).__name__
        raise ValueError(
            f"{name} must be chosen or left out by `where`, got a matrix added by {kind}"
        )
    return isinstance(layer, DEVICE_LAYERS) or _opaque(layer)


def device_weights(model: nn.Module, where: Where = on_devices) -> dict[str, nn.Parameter]:
    """Return the weights that are on devices, by parameter name.

    A weight that several device layers share is returned once, by its first name: the layers use
    the same devices.

    Args:
        model: any module.
        where: (weight's name, its layer) -> whether it is on devices. It is asked about the
            weights of `DEVICE_LAYERS` and about all other parameters of two or more dimensions,
            whose first dimension counts as the output channels.

    Raises:
        ValueError: a chosen weight is not a plain parameter (it is parametrised, normalised,
            pruned, quantised or scripted), not yet initialised, not real floating point, or on
            the meta device. Or it is shared with a parameter that is not chosen, as an output
            layer's with a digital `nn.Embedding`: `torch.func.functional_call` would replace
            both. Or a module is one of `WRAPPERS`, whose replicas are not supported. The message
            names the parameters or the module.
    """
    weights: dict[nn.Parameter, str] = {}
    digital: dict[nn.Parameter, str] = {}
    for path, layer in model.named_modules():
        prefix = f"{path}." if path else ""
        if isinstance(layer, WRAPPERS):
            kind = type(layer).__name__
            raise ValueError(f"{path or 'model'} must be given without {kind} (use its .module)")
        chosen = [own for own in _weight_names(layer) if where(prefix + own, layer)]
        for own in chosen:
            weights.setdefault(_checked(prefix + own, layer), prefix + own)
        others = _own_parameters(layer).items()
        digital |= {parameter: prefix + own for own, parameter in others if own not in chosen}
    for weight, name in weights.items():
        if weight in digital:
            raise ValueError(
                f"{name} and {digital[weight]} share one weight and must both be on devices or "
                f"both be digital: choose both by `where`, or give each a copy of its own"
            )
    return {name: weight for weight, name in weights.items()}


def _opaque(layer: nn.Module) -> bool:
    """Say whether a layer hides its weights from `torch.func.functional_call`."""
    quantised = (kind.__module__.startswith("torch.ao.nn.quantized") for kind in type(layer).mro())
    return isinstance(layer, torch.jit.ScriptModule) or any(quantised)


def _weight_names(layer: nn.Module) -> list[str]:
    """Return the names within a layer of what could be on devices, plain parameters or not."""
    names, own = _layer_weights(layer), _own_parameters(layer)
    if not names:
        names = [name for name, p in own.items() if is_lazy(p) or p.dim() > 1]
        if parametrize.is_parametrized(layer):
            names += cast("nn.ModuleDict", layer.parametrizations)
        return names
    if not own.keys() >= set(names):  # pruned or normalised: its matrices are parts of the weight
        return names
    matrices = [name for name, p in own.items() if not is_lazy(p) and p.dim() > 1]
    biases = ("bias_k", "bias_v")  # the key and the value that attention may add
    return names + [name for name in matrices if name not in (*names, *biases)]


def _layer_weights(layer: nn.Module) -> list[str]:
    """Return the names of a device layer's weights, of which its base class knows."""
    if isinstance(layer, nn.MultiheadAttention):  # its out_proj is a layer of its own
        parts = ("in",) if layer._qkv_same_embed_dim else ("q", "k", "v")
        return [f"{part}_proj_weight" for part in parts]
    if isinstance(layer, nn.RNNBase):
        names = cast("list[str]", layer._flat_weights_names)
        return [name for name in names if name.startswith("weight")]
    if isinstance(layer, nn.RNNCellBase):
        return ["weight_ih", "weight_hh"]
    return ["weight"] if isinstance(layer, DEVICE_LAYERS) or _opaque(layer) else []


def _own_parameters(layer: nn.Module) -> dict[str, nn.Parameter]:
    return dict(layer.named_parameters(recurse=False, remove_duplicate=False))


def _checked(name: str, layer: nn.Module) -> nn.Parameter:
    """Return a layer's weight, or refuse it."""
    weight = None if _opaque(layer) else layer._parameters.get(name.rpartition(".")[2])
    if weight is None:
        raise ValueError(
            f"{name} must be a plain parameter (not parametrised, normalised, pruned, quantised "
            f"or scripted), got a layer {type(layer).__name__}"
        )
    if is_lazy(weight):
        kind = type(weight).__name__
        raise ValueError(f"{name} must be initialised (run the network once), got a {kind}")
    if not weight.is_floating_point():
        raise ValueError(f"{name} must be real floating point, got {weight.dtype}")
    if weight.is_meta:
        raise ValueError(f"{name} must be in memory, got device {weight.device}")
    return weight
