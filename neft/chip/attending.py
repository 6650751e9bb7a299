"""Multi-head attention whose projections pass converters; what is between them is digital."""

from collections.abc import Iterator
from itertools import zip_longest

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neft.chip.converters import Project, Projection


def attend(
    layer: nn.MultiheadAttention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
    *,
    project: Project,
) -> tuple[Tensor, Tensor | None]:
    """Compute what the layer does, with its three input projections as `project` has them.

    torch's attention has matrices of its own, which are the identity here: what it gets is
    projected already, and its output goes through the layer's `out_proj`, which can have converters
    of its own. The other arguments and the results are those of `nn.MultiheadAttention`.
    """
    inputs = zip(projections(layer), (query, key, value), strict=True)
    projected = [project(projection, each) for projection, each in inputs]
    swapped = layer.batch_first and query.dim() == 3
    if swapped:
        projected = [each.transpose(0, 1) for each in projected]
    q, k, v = projected
    identity = torch.eye(layer.embed_dim, dtype=query.dtype, device=query.device)
    context, weights = F.multi_head_attention_forward(
        q, k, v, layer.embed_dim, layer.num_heads, None, None, layer.bias_k, layer.bias_v,
        layer.add_zero_attn, layer.dropout, identity, None, training=layer.training,
        key_padding_mask=key_padding_mask, need_weights=need_weights, attn_mask=attn_mask,
        use_separate_proj_weight=True, q_proj_weight=identity, k_proj_weight=identity,
        v_proj_weight=identity, average_attn_weights=average_attn_weights, is_causal=is_causal,
    )  # fmt: skip
    return layer.out_proj(context.transpose(0, 1) if swapped else context), weights


def projections(layer: nn.MultiheadAttention) -> Iterator[Projection]:
    """Yield the projections of query, key and value, with the weights that they have now."""
    if layer.in_proj_weight is None:
        weights = [layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight]
    else:
        weights = list(layer.in_proj_weight.chunk(3))
    biases = () if layer.in_proj_bias is None else layer.in_proj_bias.chunk(3)
    return (Projection(*each) for each in zip_longest(weights, biases))
