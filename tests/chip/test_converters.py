"""Laws of converters and tiles: quantisers, and layers beside a slow loop."""

from collections.abc import Callable
from itertools import product

import pytest
import torch
from helpers.quantiser import slow
from torch import Tensor, nn

from neft._utils.seeding import generator, seeded
from neft.chip import Converters, Fixed, Percentile, quantise
from neft.chip.converters import convert, partial_sums

DOUBLE = torch.float64


# Layer, shape of its inputs.
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(11, 3), (4, 11)),
    "linear of sequences": (lambda: nn.Linear(5, 2, bias=False), (2, 3, 5)),
    "plain": (lambda: nn.Conv2d(3, 4, 2), (2, 3, 4, 5)),
    "one image": (lambda: nn.Conv2d(3, 4, 2), (3, 4, 4)),
    "strided": (lambda: nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0)), (1, 2, 6, 5)),
    "dilated": (lambda: nn.Conv2d(2, 3, 2, dilation=2, padding=1, bias=False), (2, 2, 5, 5)),
    "grouped": (lambda: nn.Conv2d(6, 4, 2, groups=2, stride=2), (2, 6, 4, 4)),
    "depthwise": (lambda: nn.Conv2d(3, 6, 3, groups=3, padding=1), (1, 3, 4, 4)),
}
OTHERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, groups=2, padding="same"), (2, 4, 7)),
    "Conv3d": (lambda: nn.Conv3d(2, 3, 2, stride=2), (1, 2, 4, 5, 4)),
    "circular": (lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 2, 4, 4)),
}


def setting(name: str) -> tuple[nn.Module, Tensor]:
    make, shape = {**LAYERS, **OTHERS}[name]
    with seeded("converters", name):
        return make().double(), torch.randn(shape, dtype=DOUBLE)


def patches(layer: nn.Conv2d, images: Tensor) -> dict[tuple[int, ...], list[tuple[float, float]]]:
    """The (weight, input) pairs of each output of a convolution, row by row, by their indices."""
    height, width = images.shape[-2:]
    area = [(d * (k - 1) + 1) for k, d in zip(layer.kernel_size, layer.dilation, strict=True)]
    sides = [
        (n + 2 * p - a) // s + 1
        for n, p, a, s in zip((height, width), layer.padding, area, layer.stride, strict=True)
    ]
    weight, inputs = layer.weight.tolist(), images.tolist()
    found = {}
    for image, out, y, x in product(
        range(len(images)), range(layer.out_channels), *map(range, sides)
    ):
        group = out // (layer.out_channels // layer.groups)
        row = []
        for c, i, j in product(*map(range, layer.weight.shape[1:])):
            h = y * layer.stride[0] + i * layer.dilation[0] - layer.padding[0]
            w = x * layer.stride[1] + j * layer.dilation[1] - layer.padding[1]
            channel = group * (layer.in_channels // layer.groups) + c
            there = 0 <= h < height and 0 <= w < width
            row.append((weight[out][c][i][j], inputs[image][channel][h][w] if there else 0.0))
        found[image, out, y, x] = row
    return found


def by_loops(layer: nn.Module, inputs: Tensor, converters: Converters, bounds: dict) -> Tensor:
    """A layer with converters and tiles, one multiplication at a time."""
    if isinstance(layer, nn.Linear):
        pairs = {
            (i, out): list(zip(layer.weight[out].tolist(), row, strict=True))
            for i, row in enumerate(inputs.flatten(0, -2).tolist())
            for out in range(layer.out_features)
        }
        shape = (*inputs.shape[:-1], layer.out_features)
    else:
        pairs = patches(layer, inputs if inputs.dim() == 4 else inputs[None])
        shape = layer(inputs).shape
    found = []
    for index, row in pairs.items():
        tile_rows, total = converters.tile_rows or len(row), 0.0
        for first in range(0, len(row), tile_rows):
            tile = row[first : first + tile_rows]
            tile_sum = sum(w * slow(x, converters.dac_bits, bounds["input"]) for w, x in tile)
            total += slow(tile_sum, converters.adc_bits, bounds["output"])
        found.append(total + (0.0 if layer.bias is None else layer.bias[index[1]].item()))
    return torch.tensor(found, dtype=DOUBLE).view(shape)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    ("dac_bits", "adc_bits", "tile_rows"),
    [
        (4, None, None),
        (None, 5, None),
        (4, 5, 5),
        (None, 3, 1),
        (6, 6, 8),
        (3, None, 4),
        (4, 4, 99),
    ],
)
def test_a_layer_equals_a_loop_over_tiles_rows_and_steps(
    name: str, dac_bits: int | None, adc_bits: int | None, tile_rows: int | None
) -> None:
    layer, inputs = setting(name)
    converters = Converters(
        dac_bits, adc_bits, dac_bits and Fixed(1), adc_bits and Fixed(1), tile_rows
    )
    bounds = {"input": 1.7, "output": 0.9}
    found = convert(layer, inputs, converters=converters, bounds=bounds)
    torch.testing.assert_close(found, by_loops(layer, inputs, converters, bounds))


@pytest.mark.parametrize("name", {**LAYERS, **OTHERS})
@pytest.mark.parametrize("tile_rows", [1, 2, 5, 9, 1000])
def test_tiles_without_converters_add_up_to_the_layer(name: str, tile_rows: int) -> None:
    layer, inputs = setting(name)
    sums = list(partial_sums(layer, inputs, tile_rows))
    assert len(sums) == -(-layer.weight[0].numel() // tile_rows)
    tiled = convert(layer, inputs, converters=Converters(tile_rows=tile_rows), bounds={})
    torch.testing.assert_close(tiled, layer(inputs), rtol=1e-12, atol=1e-12)


def test_a_layer_trains_through_its_converters_where_nothing_is_clipped() -> None:
    """Gradients are those of the exact layer, as the straight-through estimator has it."""
    layer, inputs = setting("strided")
    converters = Converters(6, 6, Fixed(1), Fixed(1), 5)
    factor = torch.randn(layer(inputs).shape, generator=generator("factor"), dtype=DOUBLE)
    found = []
    for exact in (True, False):
        layer.zero_grad()
        x = inputs.clone().requires_grad_()
        bounds = {"input": 99.0, "output": 99.0}
        y = layer(x) if exact else convert(layer, x, converters=converters, bounds=bounds)
        (y * factor).sum().backward()
        found.append((x.grad, layer.bias.grad.clone()))
    torch.testing.assert_close(*found)
    rounded = quantise(inputs, 6, 99.0).requires_grad_()
    (weights,) = torch.autograd.grad((layer(rounded) * factor).sum(), layer.weight)
    torch.testing.assert_close(layer.weight.grad, weights)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dac_bits": 1, "input_range": Fixed(1)}, "dac_bits must be at least 2, got 1"),
        ({"adc_bits": 6.5, "output_range": Fixed(1)}, "adc_bits must be a whole number, got 6.5"),
        ({"tile_rows": 0}, "tile_rows must be at least 1, got 0"),
        ({"dac_bits": 8}, "input_range must be given with dac_bits and only then, got None"),
        (
            {"output_range": Percentile(99)},
            r"output_range must be given with adc_bits and only then, got Percentile\(percent=99\)",
        ),
    ],
)
def test_impossible_settings_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        Converters(**settings)
