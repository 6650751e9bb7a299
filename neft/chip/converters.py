"""Converters and tiles of a chip: DACs, ADCs, and the rows that one array of devices has."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from neft._utils.checks import at_least
from neft.chip.converter_ranges import Learned, RangeRule
from neft.chip.quantising import quantise, quantise_learning

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Bounds = Mapping[str, float | Tensor]


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map that is a part of a layer, as attention has three.

    Args:
        weight: [outputs, inputs], or [groups, outputs, inputs].
        bias: [outputs]; None for none, as with groups.
        name: of the layer's weight, where each weight has ranges of its own.
    """

    weight: Tensor
    bias: Tensor | None
    name: str = ""

    def forward(self, input: Tensor) -> Tensor:
        """[..., inputs] -> [..., outputs], or with groups [..., groups, n, inputs] -> outputs."""
        if self.weight.dim() == 2:
            return F.linear(input, self.weight, self.bias)
        return input @ self.weight.mT


Converted = nn.Linear | Convolution | Projection

Project = Callable[[Projection, Tensor], Tensor]
"""Computes a projection's output through its converters."""


@dataclass(frozen=True)
class Converters:
    """What stands between a layer's digital signals and its devices.

    The matrix of a layer has a row for each input of a linear layer, or for each value of a
    convolution's patch, in the order [channel, kernel position]; of a convolution in groups, each
    group has a matrix of its own. A transposed convolution has a row for each input channel, and a
    column for each value that it adds to the output; what overlaps there is added digitally. A
    recurrent layer has several matrices. The rows are cut into tiles T_1, T_2, ... of tile_rows
    (the last may have fewer). With inputs x, weights W and the digital bias b, a layer's output is

        y = b + sum_t Q_adc(sum_{i in T_t} W_i Q_dac(x_i)),

    where Q_dac and Q_adc are `quantise` with the bits and a range per layer, or the identity. Each
    column of each tile has its own ADC, all ADCs of a layer have the same range, and the sum over
    tiles is digital and exact. (After the quantised inputs and outputs of aihwkit, arXiv
    2104.02184, and the arrays of limited size and calibrated ADC ranges of CrossSim's Inference
    Manual v2.0, github.com/sandialabs/cross-sim.)

    Args:
        dac_bits: of the inputs; None for exact inputs.
        adc_bits: of the partial sums; None for exact ones.
        input_range: sets the range of a layer's DACs, one for all of its inputs.
        output_range: sets the range of a layer's ADCs, one for all of its tiles.
        tile_rows: rows of a tile; None for as many as the layer has.

    Raises:
        ValueError: bits are not whole numbers from 2 on, tile_rows is no whole number from 1 on,
            a range is given without bits, bits without a range, or the output range is learned.
    """

    dac_bits: int | None = None
    adc_bits: int | None = None
    input_range: RangeRule | None = None
    output_range: RangeRule | None = None
    tile_rows: int | None = None

    def __post_init__(self) -> None:
        _whole(2, dac_bits=self.dac_bits, adc_bits=self.adc_bits)
        _whole(1, tile_rows=self.tile_rows)
        _together(dac_bits=self.dac_bits, input_range=self.input_range)
        _together(adc_bits=self.adc_bits, output_range=self.output_range)
        if isinstance(self.output_range, Learned):
            raise ValueError(f"output_range must not be learned, got {self.output_range}")

    @property
    def exact(self) -> bool:
        """Whether there are neither converters nor tiles."""
        return self == Converters()


def _whole(least: int, **values: int | None) -> None:
    for name, value in values.items():
        if value is not None:
            if not isinstance(value, int):
                raise ValueError(f"{name} must be a whole number, got {value!r}")
            at_least(least, **{name: value})


def _together(**values: object) -> None:
    (bits, count), (name, rule) = values.items()
    if (count is None) != (rule is None):
        raise ValueError(f"{name} must be given with {bits} and only then, got {rule}")


def convert(layer: Converted, input: Tensor, *, converters: Converters, bounds: Bounds) -> Tensor:
    """Compute a layer's output through its converters and tiles (see `Converters`).

    Args:
        layer: with the weights that it has now.
        input: of the layer.
        converters: around the devices.
        bounds: of the layer's ranges, "input" and "output", where it has such converters; a tensor
            is one that training learns.
    """
    input = through_dac(input, converters, bounds)
    if converters.adc_bits is None and converters.tile_rows is None:
        own: Callable[..., Tensor] = type(layer).forward
        return own(layer, input)
    total: Tensor | None = None
    for partial in partial_sums(layer, input, converters.tile_rows):
        if converters.adc_bits is not None:
            partial = quantise(partial, converters.adc_bits, float(bounds["output"]))
        total = partial if total is None else total + partial
    assert total is not None  # a layer has at least one row
    if layer.bias is None:
        return total
    return total + layer.bias.view(-1, *[1] * (layer.weight.dim() - 2))


def through_dac(input: Tensor, converters: Converters, bounds: Bounds) -> Tensor:
    """Return a layer's inputs as its DACs put them out."""
    if converters.dac_bits is None:
        return input
    bound, rule = bounds["input"], converters.input_range
    if isinstance(bound, Tensor):
        assert isinstance(rule, Learned)
        return quantise_learning(
            input, converters.dac_bits, bound, decay=rule.decay, inside=rule.inside
        )
    return quantise(input, converters.dac_bits, bound)


def partial_sums(layer: Converted, input: Tensor, tile_rows: int | None) -> Iterator[Tensor]:
    """Yield what each tile adds to a layer's output, without bias, in the shape of the output."""
    linear = isinstance(layer, nn.Linear | Projection)
    rows = layer.weight.shape[-1] if linear else layer.weight[0].numel()
    size = tile_rows or rows
    for first in range(0, rows, size):
        end = min(first + size, rows)
        if isinstance(layer, nn.Linear | Projection):
            tile = Projection(layer.weight[..., first:end], None)
            yield tile.forward(input[..., first:end])
        else:
            yield _convolve(layer, input, first, end)


def _convolve(layer: Convolution, input: Tensor, first: int, end: int) -> Tensor:
    """Convolve with some rows of each group's matrix, and only the channels that these rows read.

    A channel whose rows belong to two tiles is read by both, with 0 in place of the other's rows.
    """
    weight, area = layer.weight, layer.weight[0, 0].numel()
    low, high = first // area, -(-end // area)
    part = weight[:, low:high]
    if first % area or end % area:
        missing = first - low * area, high * area - end
        part = F.pad(weight.flatten(1)[:, first:end], missing).view_as(part)
    channels = input.dim() - weight.dim() + 1  # the input may be a batch or one image
    read = input.unflatten(channels, (layer.groups, -1)).narrow(channels + 1, low, high - low)
    return layer._conv_forward(read.flatten(channels, channels + 1), part, None)
