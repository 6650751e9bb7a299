"""Laws of refusal of converters: a layer that cannot have them, or lacks a range, is named."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from neft._utils.seeding import seeded
from neft.chip import Converters, Deviations, Fixed, Percentile, calibrate, converting

COARSE = Converters(6, 6, Percentile(99), Deviations(3), 20)


def small() -> tuple[nn.Sequential, Tensor]:
    with seeded("refused"):
        net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 4), nn.Linear(4, 2))
    return net, torch.linspace(-1, 1, 96).view(3, 2, 4, 4)


class Scaled(nn.Linear):
    """A linear layer with a forward of its own."""

    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


class Twice(nn.GRUCell):
    """A cell with a forward of its own."""

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return super().forward(input, super().forward(input, hx))


UNFIT = {
    "bilinear": (
        lambda: nn.Sequential(nn.Bilinear(4, 4, 2)),
        r"^0 must be one of Linear, Conv1d, .*, GRUCell to have converters, got Bilinear$",
    ),
    "embedding": (lambda: nn.Embedding(4, 4), "^network must be one of Linear, .* got Embedding$"),
    "subclass of a cell": (
        lambda: nn.Sequential(Twice(4, 4)),
        "^0 must have torch's forward to have converters, got Twice's$",
    ),
    "subclass": (
        lambda: nn.Sequential(Scaled(4, 4)),
        "^0 must have torch's forward to have converters, got Scaled's$",
    ),
}


def every(name: str, layer: nn.Module) -> bool:
    """A predicate that puts all matrices on devices."""
    return name.endswith(("weight", "weight_ih", "weight_hh"))


@pytest.mark.parametrize("name", UNFIT)
def test_layers_that_cannot_have_converters_are_named(name: str) -> None:
    make, said = UNFIT[name]
    with pytest.raises(ValueError, match=said):
        calibrate(make(), torch.ones(1, 2, 4), COARSE, where=every)
    with pytest.raises(ValueError, match=said), converting(make(), COARSE, {}, where=every):
        pass


def test_a_layer_that_is_not_called_is_named() -> None:
    net = nn.ModuleDict({"used": nn.Linear(4, 2), "unused": nn.Linear(4, 2)})
    net.forward = lambda inputs: net["used"](inputs)
    with pytest.raises(ValueError, match=r"^unused must be called to have converters, got no call"):
        calibrate(net, torch.ones(1, 4), COARSE)


def test_converters_within_converters_are_refused_and_leave_the_outer_ones() -> None:
    net, images = small()
    ranges = calibrate(net, images, COARSE)
    with converting(net, COARSE, ranges):
        expected = net(images)
        with pytest.raises(ValueError, match=r"^0 must have torch's forward"):
            calibrate(net, images, COARSE)
        assert torch.equal(net(images), expected)


def test_a_signal_without_a_range_is_refused_by_the_name_of_its_layer() -> None:
    net, images = small()
    for value in (math.inf, math.nan):
        with pytest.raises(ValueError, match=f"^input range of 0 must be positive .*got {value}$"):
            calibrate(net, torch.full_like(images, value), COARSE)
    assert calibrate(net, images, replace(COARSE, input_range=Fixed(2)))["0"]["input"] == 2


def test_ranges_of_another_network_are_refused() -> None:
    net, images = small()
    ranges = calibrate(net, images, COARSE)

    def cases() -> Iterator[tuple[dict, str]]:
        fewer = {name: ranges[name] for name in ("0", "2")}
        yield fewer, "^ranges must be those of .* layers, got '3', a layer without ranges$"
        yield {**ranges, "9": {}}, "got '9', ranges without a layer$"
        yield {**ranges, "2": {"input": 1.0}}, r"^ranges of 2 must have output, got {'input': 1.0}$"
        yield {**ranges, "2": {"input": -1.0}}, "^input range of 2 must be positive and finite"

    for wrong, said in cases():
        with pytest.raises(ValueError, match=said), converting(net, COARSE, wrong):
            pass
    only_inputs = replace(COARSE, adc_bits=None, output_range=None)
    with converting(net, only_inputs, ranges):
        net(images)
