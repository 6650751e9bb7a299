"""Ranges of converters: rules that set them from calibration images, and their JSON files."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from neft._utils.checks import cut, fraction, non_negative, positive
from neft._utils.files import atomic_path, read_json

ENDS = ("input", "output")

Ranges = Mapping[str, Mapping[str, float]]
"""By layer's name, the bound r of the range [-r, r] of its inputs ("input") and of the partial sums
that its ADCs read ("output"), where the layer has such a converter. A recurrent layer has ranges
for each of its weights, by the weight's name."""


@dataclass(frozen=True)
class Fixed:
    """The same bound for every layer.

    Args:
        value: the bound, in units of the signal.

    Raises:
        ValueError: the value is not positive and finite.
    """

    value: float

    def __post_init__(self) -> None:
        positive(value=self.value)

    def bound(self, signal: Tensor) -> float:
        """Return the value, whatever the signal."""
        return self.value


@dataclass(frozen=True)
class Percentile:
    """The smallest size |x| of a layer's signal that at least this share of it does not exceed.

    Args:
        percent: of the signal's values, over 0 to 100; 100 is the largest size, without clipping.

    Raises:
        ValueError: percent is outside (0, 100].
    """

    percent: float

    def __post_init__(self) -> None:
        if not 0 < self.percent <= 100:
            raise ValueError(f"percent must be above 0 and at most 100, got {self.percent}")

    def bound(self, signal: Tensor) -> float:
        """Return the bound of a signal of any shape."""
        sizes = signal.detach().abs().flatten()
        rank = min(len(sizes), math.ceil(len(sizes) * self.percent / 100))
        return sizes.kthvalue(rank).values.item()


@dataclass(frozen=True)
class Deviations:
    """A multiple of a layer's root mean square: of its standard deviation about 0.

    It is taken about 0 because the converters' ranges are symmetric.

    Args:
        count: number of standard deviations.

    Raises:
        ValueError: count is not positive and finite.
    """

    count: float

    def __post_init__(self) -> None:
        positive(count=self.count)

    def bound(self, signal: Tensor) -> float:
        """Return the bound of a signal of any shape."""
        norm = torch.linalg.vector_norm(signal.detach()).item()
        return self.count * norm / math.sqrt(signal.numel())


@dataclass(frozen=True)
class Learned:
    """A bound of a layer's inputs that training learns (`neft.chip.quantising.quantise_learning`).

    It starts at a multiple of the inputs' standard deviation, and stays there on a layer that was
    never trained with it. The defaults are those of aihwkit-lightning (github.com/IBM/
    aihwkit-lightning at 576d98e), which takes the start from the first batches of the training.

    Args:
        start: number of standard deviations of the calibration images' signal.
        decay: of the bound, while the share of a batch's inputs that are within it is above
            `inside`.
        inside: that share.

    Raises:
        ValueError: start is not positive and finite, decay is negative or not finite, or inside is
            outside [0, 1].
    """

    start: float = 3.0
    decay: float = 1e-3
    inside: float = 0.95

    def __post_init__(self) -> None:
        positive(start=self.start)
        non_negative(decay=self.decay)
        fraction(inside=self.inside)

    def bound(self, signal: Tensor) -> float:
        """Return the start for a signal of any shape."""
        return self.start * signal.detach().std().item()


RangeRule = Fixed | Percentile | Deviations | Learned


def range_names(path: str, layer: nn.Module) -> Iterator[tuple[str, str]]:
    """Yield the names of a layer's ranges, each with that of the weight whose it is.

    A recurrent layer can have ranges for each of its parameters, by the parameter's name. Any other
    layer has one pair of ranges, by its own name, for all of its weights: "".
    """
    if not isinstance(layer, nn.RNNBase | nn.RNNCellBase):
        yield path, ""
        return
    for weight, _ in layer.named_parameters(recurse=False, remove_duplicate=False):
        yield (f"{path}.{weight}" if path else weight), weight


def save_ranges(ranges: Ranges, path: Path | str) -> None:
    """Write ranges as JSON, atomically."""
    with atomic_path(path) as partial:
        partial.write_text(json.dumps(ranges, indent=2) + "\n")


def load_ranges(path: Path | str) -> dict[str, dict[str, float]]:
    """Read what `save_ranges` wrote.

    Raises:
        ValueError: the file, named in the message, does not hold positive and finite ranges.
    """
    ranges = read_json(path, "file of ranges")
    try:
        check_ranges(ranges)
    except ValueError as error:
        raise ValueError(cut(f"{path}: not a file of ranges: {error}")) from error
    return ranges


def check_ranges(ranges: Ranges) -> None:
    """Refuse ranges that are not positive and finite numbers for the ends of layers.

    Raises:
        ValueError: the first that is not, with its layer's name.
    """
    if not isinstance(ranges, Mapping):
        raise ValueError(f"ranges must be a mapping by layer, got {ranges!r}")
    for path, bounds in ranges.items():
        if not isinstance(bounds, Mapping) or not bounds.keys() <= set(ENDS):
            raise ValueError(f"ranges of {path} must be named input or output, got {bounds!r}")
        for end, bound in bounds.items():
            if type(bound) not in (int, float):
                raise ValueError(f"{end} range of {path} must be a number, got {bound!r}")
            positive(**{f"{end} range of {path}": bound})
