"""Transposed convolutions whose products pass converters; what overlaps is added digitally."""

from itertools import product
from typing import Any

from torch import Tensor, nn

from neft.chip.converters import Project, Projection

Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d


def convolve_transposed(
    layer: Transposed, input: Tensor, output_size: list[int] | None = None, *, project: Project
) -> Tensor:
    """Compute what the layer does, with its products as `project` has them.

    The channels at one position of the input are one vector of inputs of the devices; of groups,
    each has a matrix of its own. The matrix has a column for each value that the layer adds to the
    output around this position, [kernel position, output channel]. The values that positions add
    to the same output are summed digitally, and the bias with them.

    Args:
        layer: with the weights that it has now.
        input: of the layer, a batch or one image.
        output_size: as of `nn.ConvTranspose2d`.
        project: computes all groups' products, [..., groups, positions, columns].
    """
    weight, sides = layer.weight, layer.weight.dim() - 2
    extra = layer._output_padding(
        input, output_size, list(layer.stride), _padding(layer), list(layer.kernel_size), sides,
        list(layer.dilation),
    )  # fmt: skip
    matrices = weight.unflatten(0, (layer.groups, -1)).flatten(3).transpose(2, 3)
    vectors = input.flatten(-sides).unflatten(-2, (layer.groups, -1)).mT
    columns = project(Projection(matrices.flatten(2).mT, None), vectors)
    columns = columns.unflatten(-1, matrices.shape[2:]).unflatten(-3, input.shape[-sides:])
    output = _overlapped(layer, columns, extra).movedim(-1, -1 - sides)
    output = output.flatten(-2 - sides, -1 - sides)  # groups and their channels
    return output if layer.bias is None else output + layer.bias.view(-1, *[1] * sides)


def _overlapped(layer: Transposed, columns: Tensor, extra: list[int]) -> Tensor:
    """Add each value where it belongs.

    Args:
        columns: [..., *positions of the input, kernel positions, channels].
        extra: what is added to the output's sides at their ends.

    Returns:
        [..., *positions of the output, channels].
    """
    counts = columns.shape[-2 - len(extra) : -2]
    sides = list(zip(counts, layer.stride, layer.dilation, layer.kernel_size, strict=True))
    size = [(n - 1) * s + d * (k - 1) + 1 + e for (n, s, d, k), e in zip(sides, extra, strict=True)]
    output = columns.new_zeros(*columns.shape[: -2 - len(extra)], *size, columns.shape[-1])
    for place, offsets in enumerate(product(*map(range, layer.kernel_size))):
        ends = [
            slice(d * offset, d * offset + s * (n - 1) + 1, s)
            for (n, s, d, _), offset in zip(sides, offsets, strict=True)
        ]
        reached: Any = (..., *ends, slice(None))
        output[reached] += columns.select(-2, place)
    for side, padding in enumerate(_padding(layer), start=-1 - len(sides)):
        output = output.narrow(side, padding, output.shape[side] - 2 * padding)
    return output


def _padding(layer: Transposed) -> list[int]:
    """Return the layer's padding, which is never a word as a convolution's can be."""
    return [int(padding) for padding in layer.padding]
