"""Laws of attention with converters: exact without them, by hand with them, in any transformer."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from neft._utils.seeding import seeded
from neft.chip import Converters, Fixed, Percentile, calibrate, converting, device_weights, quantise

TILES = Converters(tile_rows=3)
COARSE = Converters(5, 6, Percentile(100), Percentile(100), 5)
ATTENTIONS = {
    "plain": {},
    "batch first": {"batch_first": True},
    "without bias": {"bias": False},
    "further keys": {"add_bias_kv": True, "add_zero_attn": True},
    "narrow keys": {"kdim": 5, "vdim": 3, "batch_first": True},
}
CALLS = {
    "as it is": {},
    "without weights": {"need_weights": False},
    "weights of each head": {"average_attn_weights": False},
    "masked": {"attn_mask": torch.ones(4, 7).triu(1).bool()},
    "padded": {"key_padding_mask": torch.tensor([[False] * 6 + [True]] * 2)},
}


def setting(name: str) -> tuple[nn.MultiheadAttention, list[Tensor]]:
    """An attention of width 8 with 2 heads; two batches of 4 queries, 7 keys and values."""
    options = ATTENTIONS[name]
    with seeded("attention", name):
        layer = nn.MultiheadAttention(8, 2, **options).double()
        if layer.in_proj_bias is not None:
            nn.init.normal_(layer.in_proj_bias)
        widths = [(4, 8), (7, options.get("kdim", 8)), (7, options.get("vdim", 8))]
        inputs = [torch.randn(length, 2, width).double() for length, width in widths]
    return layer, [x.transpose(0, 1) if layer.batch_first else x for x in inputs]


@pytest.mark.parametrize("name", ATTENTIONS)
@pytest.mark.parametrize("call", CALLS)
def test_tiles_without_converters_add_up_to_the_layer(name: str, call: str) -> None:
    layer, inputs = setting(name)
    expected = layer(*inputs, **CALLS[call])
    with converting(layer, TILES, {"": {}, "out_proj": {}}):
        found = layer(*inputs, **CALLS[call])
    for one, other in zip(found, expected, strict=True):
        if other is None:
            assert one is None
        else:
            torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_one_sequence_without_a_batch_is_attended_too() -> None:
    layer, inputs = setting("batch first")
    expected = layer(*(x[0] for x in inputs))
    with converting(layer, TILES, {"": {}, "out_proj": {}}):
        found = layer(*(x[0] for x in inputs))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def through(weight: Tensor, bias: Tensor, inputs: Tensor, bounds: dict[str, float]) -> Tensor:
    """A linear map through DACs of 5 bits and ADCs of 6 bits of tiles of 5 rows."""
    total = bias.expand(*inputs.shape[:-1], -1)
    for first in range(0, weight.shape[1], 5):
        rows = slice(first, first + 5)
        tile = quantise(inputs[..., rows], 5, bounds["input"]) @ weight[:, rows].T
        total = total + quantise(tile, 6, bounds["output"])
    return total


def test_projections_pass_the_converters_and_what_is_between_them_is_exact() -> None:
    layer, inputs = setting("batch first")
    converters = Converters(5, 6, Fixed(1), Fixed(1), 5)
    ranges = {"": {"input": 2.1, "output": 1.3}, "out_proj": {"input": 0.7, "output": 0.4}}
    parts = zip(layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3), inputs, strict=True)
    heads = [through(*part, ranges[""]).unflatten(2, (2, 4)).transpose(1, 2) for part in parts]
    q, k, v = heads
    context = ((q @ k.mT / math.sqrt(4)).softmax(-1) @ v).transpose(1, 2).flatten(2)
    out = layer.out_proj
    with converting(layer, converters, ranges):
        found, _ = layer(*inputs)
    torch.testing.assert_close(found, through(out.weight, out.bias, context, ranges["out_proj"]))


def test_calibration_takes_the_widest_of_queries_keys_and_values() -> None:
    layer, (query, key, value) = setting("batch first")
    net = nn.ModuleDict({"attention": layer})
    net.forward = lambda x: net["attention"](x, 3 * key, value)
    ranges = calibrate(net, query, Converters(5, None, Percentile(100)))
    assert ranges.keys() == {"attention", "attention.out_proj"}
    assert ranges["attention"]["input"] == max(x.abs().max() for x in (query, 3 * key, value))


@pytest.mark.parametrize("mode", ["evaluation", "training"])
def test_transformers_pass_the_converters_also_where_torch_has_a_fast_path(mode: str) -> None:
    with seeded("transformer"):
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        net = nn.TransformerEncoder(layer, 2).train(mode == "training")
        images = torch.randn(3, 5, 8)
    with torch.no_grad():
        expected = net(images)
        ranges = calibrate(net, images, COARSE)
        assert len(ranges) == 2 * 4 == len(device_weights(net))
        with converting(net, COARSE, ranges):
            coarse, copied = net(images), copy.deepcopy(net)
            assert torch.equal(copied(images), coarse) and not torch.equal(coarse, expected)
        fine = Converters(20, 20, Percentile(100), Percentile(100), 5)
        with converting(net, fine, calibrate(net, images, fine)):
            torch.testing.assert_close(net(images), expected, rtol=1e-4, atol=1e-4)
        assert torch.equal(net(images), expected)
    touched = [vars(m).get("forward") or m._forward_pre_hooks for m in net.modules()]
    assert not any(touched)
