"""Which weights of a network live on devices: found by layer, in any `nn.Module`."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
DEVICE_LAYERS = (
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED),
    *(nn.MultiheadAttention, nn.RNNBase, nn.RNNCellBase),
)

Where = Callable[[str, nn.Module], bool]


def on_devices(name: str, layer: nn.Module) -> bool:
    """Say whether a weight lives on devices: the default predicate.

    Those of linear, convolution, transposed convolution, attention and recurrent layers do.
    Biases and normalisation are digital (NeFT, arXiv 2305.14561), and so are `nn.Embedding`, a
    table that is read and not multiplied, `nn.Bilinear`, whose product with two inputs is no
    matrix-vector product, and parameters that a module of your own multiplies by itself: choose
    those with a predicate of your own.
    """
    return isinstance(layer, DEVICE_LAYERS) or _opaque(layer)


def device_weights(model: nn.Module, where: Where = on_devices) -> dict[str, nn.Parameter]:
    """Return the weights that live on devices, by parameter name; a shared weight once.

    Args:
        model: any module.
        where: (weight's name, its layer) -> whether it is on devices; asked about the weights of
            `DEVICE_LAYERS`, and of other layers about their parameters of two or more dimensions,
            whose first counts as the output channels.

    Raises:
        ValueError: a chosen weight is not a plain parameter (it is parametrised, normalised,
            pruned, quantised or scripted), not yet initialised, not real floating point, or on
            the meta device; names it.
    """
    weights: dict[int, tuple[str, nn.Parameter]] = {}
    for path, layer in model.named_modules():
        for own in _weight_names(layer):
            name = f"{path}.{own}" if path else own
            if where(name, layer):
                weight = _checked(name, layer)
                weights.setdefault(id(weight), (name, weight))
    return dict(weights.values())


def _opaque(layer: nn.Module) -> bool:
    """Say whether a layer hides its weights from `torch.func.functional_call`."""
    quantised = (kind.__module__.startswith("torch.ao.nn.quantized") for kind in type(layer).mro())
    return isinstance(layer, torch.jit.ScriptModule) or any(quantised)


def _weight_names(layer: nn.Module) -> list[str]:
    """Names within a layer of what could be on devices, whether plain parameters or not."""
    if isinstance(layer, nn.MultiheadAttention):  # its out_proj is a layer of its own
        parts = ("in",) if layer._qkv_same_embed_dim else ("q", "k", "v")
        return [f"{part}_proj_weight" for part in parts]
    if isinstance(layer, nn.RNNBase):
        return [name for name in layer._flat_weights_names if name.startswith("weight")]
    if isinstance(layer, nn.RNNCellBase):
        return ["weight_ih", "weight_hh"]
    if isinstance(layer, DEVICE_LAYERS) or _opaque(layer):
        return ["weight"]
    own = layer.named_parameters(recurse=False)
    names = [name for name, parameter in own if is_lazy(parameter) or parameter.dim() > 1]
    return names + (list(layer.parametrizations) if parametrize.is_parametrized(layer) else [])


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
