"""Laws of transposed convolutions with converters: tiles add up, and equal a slow loop."""

from collections import defaultdict
from collections.abc import Callable
from itertools import product

import pytest
import torch
from helpers.quantiser import slow
from torch import Tensor, nn

from neft._utils.seeding import generator, seeded
from neft.chip import Converters, Fixed, Percentile, calibrate, converting, quantise

DOUBLE = torch.float64
# Layer, shape of its inputs.
LAYERS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "one dimension": (lambda: nn.ConvTranspose1d(6, 4, 3, 2, 1, 1, groups=2), (2, 6, 5)),
    "plain": (lambda: nn.ConvTranspose2d(3, 2, 2), (2, 3, 3, 4)),
    "one image": (lambda: nn.ConvTranspose2d(5, 3, 3, padding=1), (5, 3, 3)),
    "strided": (
        lambda: nn.ConvTranspose2d(6, 4, (3, 2), (2, 3), 1, (1, 2), groups=2, dilation=(1, 2)),
        (1, 6, 3, 2),
    ),
    "depthwise": (lambda: nn.ConvTranspose2d(3, 6, 2, 2, groups=3, bias=False), (2, 3, 2, 3)),
    "three dimensions": (lambda: nn.ConvTranspose3d(3, 2, 2, (1, 2, 1)), (1, 3, 2, 2, 3)),
}


def setting(name: str) -> tuple[nn.Module, Tensor]:
    make, shape = LAYERS[name]
    with seeded("transposed", name):
        return make().double(), torch.randn(shape, dtype=DOUBLE)


def by_loops(layer: nn.Module, inputs: Tensor, converters: Converters, bounds: dict) -> Tensor:
    """A layer with converters and tiles of input channels, one column at a time."""
    shape, sides = layer(inputs).shape, layer.weight.dim() - 2
    images = inputs if inputs.dim() == sides + 2 else inputs[None]
    groups, rows = layer.groups, layer.in_channels // layer.groups
    size, weight = converters.tile_rows or rows, layer.weight.tolist()
    total: dict[tuple[int, ...], float] = defaultdict(float)

    def entry(nested: list, index: tuple[int, ...]) -> float:
        for each in index:
            nested = nested[each]
        return nested

    values = images.tolist()
    for image, group, column in product(
        range(len(images)), range(groups), range(layer.weight.shape[1])
    ):
        out = group * layer.weight.shape[1] + column
        for place, kernel in product(
            product(*map(range, images.shape[2:])), product(*map(range, layer.kernel_size))
        ):
            steps = zip(place, kernel, layer.stride, layer.dilation, layer.padding, strict=True)
            at = tuple(p * s + k * d - padding for p, k, s, d, padding in steps)
            for first in range(0, rows, size):
                tile = 0.0
                for row in range(first, min(first + size, rows)):
                    channel = group * rows + row
                    x = slow(
                        entry(values, (image, channel, *place)),
                        converters.dac_bits,
                        bounds["input"],
                    )
                    tile += entry(weight, (channel, column, *kernel)) * x
                total[image, out, *at] += slow(tile, converters.adc_bits, bounds["output"])
    found = torch.zeros(len(images), *shape[-sides - 1 :], dtype=DOUBLE)
    for index in product(*map(range, found.shape)):
        found[index] = total.get(index, 0.0)
    if layer.bias is not None:
        found += layer.bias.view(-1, *[1] * sides)
    return found.view(shape)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    ("dac_bits", "adc_bits", "tile_rows"),
    [(4, None, None), (None, 5, None), (4, 5, 2), (None, 3, 1), (4, 4, 99)],
)
def test_a_layer_equals_a_loop_over_tiles_columns_and_positions(
    name: str, dac_bits: int | None, adc_bits: int | None, tile_rows: int | None
) -> None:
    layer, inputs = setting(name)
    converters = Converters(
        dac_bits, adc_bits, dac_bits and Fixed(1.7), adc_bits and Fixed(0.6), tile_rows
    )
    bounds = {"input": 1.7, "output": 0.6}
    with converting(layer, converters, {"": bounds}):
        found = layer(inputs)
    torch.testing.assert_close(found, by_loops(layer, inputs, converters, bounds))


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("tile_rows", [1, 2, 99])
def test_tiles_without_converters_add_up_to_the_layer(name: str, tile_rows: int) -> None:
    layer, inputs = setting(name)
    with converting(layer, Converters(tile_rows=tile_rows), {"": {}}):
        found = layer(inputs)
    torch.testing.assert_close(found, layer(inputs), rtol=1e-12, atol=1e-12)


def test_an_output_can_have_the_size_that_is_asked_for() -> None:
    layer = nn.ConvTranspose2d(3, 2, 3, stride=2, padding=1).double()
    inputs = torch.ones(1, 3, 2, 2).double()
    with converting(layer, Converters(tile_rows=2), {"": {}}):
        found = layer(inputs, output_size=[4, 3])
        with pytest.raises(ValueError, match="requested an output size"):
            layer(inputs, output_size=[5, 3])
    expected = layer(inputs, output_size=[4, 3])
    assert found.shape[2:] == (4, 3)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_layer_trains_through_its_converters_where_nothing_is_clipped() -> None:
    """Gradients are those of the exact layer, as the straight-through estimator has it."""
    layer, inputs = setting("strided")
    converters = Converters(6, 6, Fixed(99), Fixed(99), 2)
    factor = torch.randn(layer(inputs).shape, generator=generator("factor"), dtype=DOUBLE)
    x = inputs.clone().requires_grad_()
    with converting(layer, converters, {"": {"input": 99.0, "output": 99.0}}):
        (layer(x) * factor).sum().backward()
    found = x.grad, layer.weight.grad, layer.bias.grad
    x = inputs.clone().requires_grad_()
    gradients = torch.autograd.grad((layer(x) * factor).sum(), (x, layer.bias))
    rounded = (layer(quantise(inputs, 6, 99.0)) * factor).sum()
    (weights,) = torch.autograd.grad(rounded, layer.weight)
    torch.testing.assert_close(found, (gradients[0], weights, gradients[1]))


def test_ranges_are_those_of_inputs_and_of_columns_before_they_are_added() -> None:
    layer = nn.ConvTranspose1d(1, 1, 2, bias=False)
    nn.init.constant_(layer.weight, 0.5)
    ranges = calibrate(layer, torch.ones(1, 1, 4), Converters(8, 8, *[Percentile(100)] * 2))
    assert ranges[""] == {"input": 1.0, "output": 0.5}
    assert layer(torch.ones(1, 1, 4)).max() == 1.0
