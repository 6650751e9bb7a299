"""Laws of a chip's periphery: off is the plain chip, each part is its function used by hand."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neft._utils.seeding import generator, seeded
from neft.chip import (
    Converters,
    Deploy,
    Execution,
    Hardware,
    Percentile,
    Periphery,
    accuracy,
    accuracy_over_chips,
    calibrate,
    chip_reads,
    converting,
    logits_over_chips,
    program,
    quantise,
    with_read_noise,
)
from neft.data.calibration import training_images
from neft.data.datasets import Splits
from neft.devices import PRESETS, ReadNoise
from neft.evaluation import (
    Condition,
    DriftCompensation,
    Recalibration,
    logits_with_periphery,
)

NOISE = ReadNoise("n", "made up", 0.02, 0.05, 1.0, 0.03, 3.0, low_Hz=0.5, high_Hz=50)
CONVERTERS = Converters(6, 5, Percentile(99), Percentile(99.5), 20)
HARDWARE = Hardware(PRESETS["RRAM4"], mapping="differential", stuck_low=0.02, stuck_high=0.02)
ALL = Periphery(NOISE, 7, 0.01, CONVERTERS, ("drift", "batchnorm"), images=40)
PLAIN = Execution(torch.contiguous_format, 30)


def small() -> nn.Sequential:
    with seeded("periphery"):
        return nn.Sequential(
            nn.Conv2d(1, 8, 5, stride=3), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(200, 3),
        ).eval()  # fmt: skip


def with_parts(
    tiny: Splits, periphery: Periphery, execution: Execution | None = None
) -> list[Tensor]:
    over = logits_with_periphery(
        small(), tiny.test.tensors[0], tiny.train, HARDWARE, 0.2, periphery,
        chips=3, key="test", execution=execution,
    )  # fmt: skip
    return list(over)


def by_hand(tiny: Splits, network: nn.Module, deploy: Deploy = program) -> list[Tensor]:
    images = tiny.test.tensors[0]
    over = logits_over_chips(network, images, HARDWARE, 0.2, chips=3, key="test", deploy=deploy)
    return list(over)


def same(found: list[Tensor], expected: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_without_parts_it_is_the_plain_chip_to_the_bit(tiny: Splits) -> None:
    found = with_parts(tiny, Periphery())
    assert same(found, by_hand(tiny, small()))
    labels = tiny.test.tensors[1]
    plain = accuracy_over_chips(small(), tiny.test, HARDWARE, 0.2, chips=3, key="test")
    assert torch.equal(torch.stack([accuracy(each, labels) for each in found]), plain)
    sevens = Execution(torch.contiguous_format, 7)  # as many images in a batch: equal rounding
    noiseless_reads = with_parts(tiny, Periphery(images_per_read=7), sevens)
    assert same(noiseless_reads, with_parts(tiny, Periphery(), sevens))


def test_read_noise_alone_is_one_read_of_each_chip(tiny: Splits) -> None:
    expected = by_hand(tiny, small(), with_read_noise(NOISE))
    assert same(with_parts(tiny, Periphery(NOISE)), expected)


def test_each_read_serves_its_images_and_the_next_ones_are_read_anew(tiny: Splits) -> None:
    network, images = small(), tiny.test.tensors[0]
    found = with_parts(tiny, Periphery(NOISE, 7, 0.01), PLAIN)
    for i, logits in enumerate(found):
        draw = generator("chip", "test", i)
        chip = program(network, HARDWARE, 0.2, generator=draw)
        reads = chip_reads(chip, network, HARDWARE, NOISE, interval_s=0.01, generator=draw)
        for start, read in zip(range(0, len(images), 7), reads, strict=False):
            expected = torch.func.functional_call(network, read, images[start : start + 7])
            torch.testing.assert_close(logits[start : start + 7], expected)


@pytest.mark.parametrize(
    "converters", [CONVERTERS, replace(CONVERTERS, adc_bits=None, output_range=None)]
)
def test_converters_alone_are_the_block_around_the_chips(
    tiny: Splits, converters: Converters
) -> None:
    network = small()
    ranges = calibrate(network, training_images(tiny.train, 40), converters)
    with converting(network, converters, ranges):
        expected = by_hand(tiny, network)
    assert same(with_parts(tiny, Periphery(converters=converters, images=40)), expected)
    assert not same(expected, by_hand(tiny, small()))


def test_each_compensation_alone_is_its_deployment(tiny: Splits) -> None:
    network, plain = small(), by_hand(tiny, small())
    for name, deployment in (("drift", DriftCompensation()), ("batchnorm", Recalibration(40))):
        expected = by_hand(tiny, network, deployment.prepare(network, tiny.train))
        assert same(with_parts(tiny, Periphery(compensation=(name,), images=40)), expected)
        assert not same(expected, plain)


def layer_by_hand(x: Tensor, weight: Tensor, bias: Tensor, factor: float, ranges: dict) -> Tensor:
    """Rows in tiles of 20, each with its own ADC; the factor stands behind the sum over tiles."""
    x = quantise(x, 6, ranges["input"])
    total = torch.zeros(len(x), len(weight))
    for start in range(0, x.shape[1], 20):
        partial = x[:, start : start + 20] @ weight[:, start : start + 20].T
        total += quantise(partial, 5, ranges["output"])
    return factor * total + bias


def network_by_hand(network: nn.Sequential, read, factors, statistics, ranges, images) -> Tensor:
    conv, norm, _, _, _, last = network
    columns = F.unfold(images, 5, stride=3).transpose(1, 2)
    kernels, weight = read["0.weight"].flatten(1), read["5.weight"]
    flat = columns.flatten(0, 1)
    x = layer_by_hand(flat, kernels, conv.bias, factors["0.weight"], ranges["0"])
    x = x.view(len(images), -1, 8).transpose(1, 2).unflatten(2, (10, 10))
    if statistics is None:
        return x
    mean, variance = statistics
    x = (x - mean.view(-1, 1, 1)) / (variance.view(-1, 1, 1) + norm.eps).sqrt()
    x = F.max_pool2d(x.relu(), 2).flatten(1)
    return layer_by_hand(x, weight, last.bias, factors["5.weight"], ranges["5"])


def test_all_parts_together_equal_a_slow_composition_by_hand(tiny: Splits) -> None:
    """Rounding may turn a last bit into a step of a converter, in few logits."""
    network, images = small(), tiny.test.tensors[0]
    calibration = training_images(tiny.train, 40)
    ranges = calibrate(network, calibration, CONVERTERS)
    for i, found in enumerate(with_parts(tiny, ALL, PLAIN)):
        draw = generator("chip", "test", i)
        chip = program(network, HARDWARE, 0.2, generator=draw)
        every = chip_reads(chip, network, HARDWARE, NOISE, interval_s=0.01, generator=draw)
        reads = list(islice(every, 5))
        factors = {}
        for name in ("0.weight", "5.weight"):
            weight = network.get_parameter(name)
            factors[name] = (weight.abs().sum() / (weight.sign() * reads[0][name]).sum()).item()
            assert abs(factors[name] - 1) > 1e-3
        before = network_by_hand(network, reads[0], factors, None, ranges, calibration)
        statistics = before.mean((0, 2, 3)), before.var((0, 2, 3))
        expected = torch.cat(
            [
                network_by_hand(network, read, factors, statistics, ranges, part)
                for read, part in zip(reads, images.split(7), strict=True)
            ]
        )
        close = torch.isclose(found, expected, rtol=1e-4, atol=1e-4).double().mean()
        assert close > 0.95


class Rows(nn.Module):
    """A recurrent layer that reads an image row by row, and keeps its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.RNN(32, 3, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images.squeeze(1))[1][0]


def test_each_matrix_of_a_recurrent_layer_has_its_own_compensation_of_drift(tiny: Splits) -> None:
    with seeded("rows"):
        network = Rows().eval()
    images, weights = tiny.test.tensors[0], dict(network.layer.named_parameters())
    drift = Periphery(converters=CONVERTERS, compensation=("drift",), images=40)
    ranges = calibrate(network, training_images(tiny.train, 40), CONVERTERS)
    (found,) = logits_with_periphery(
        network, images, tiny.train, HARDWARE, 0.2, drift, chips=1, key="test", execution=PLAIN
    )
    read = program(network, HARDWARE, 0.2, generator=generator("chip", "test", 0))
    state = torch.zeros(len(images), 3)
    for x in images.squeeze(1).unbind(1):
        total = torch.zeros_like(state)
        for end, signal in (("ih_l0", x), ("hh_l0", state)):
            name, bias = f"layer.weight_{end}", weights[f"bias_{end}"]
            own, weight = weights[f"weight_{end}"], read[name]
            factor = (own.abs().sum() / (own.sign() * weight).sum()).item()
            total = total + layer_by_hand(signal, weight, bias, factor, ranges[name])
        state = total.tanh()
    assert torch.isclose(found, state, rtol=1e-4, atol=1e-4).double().mean() > 0.95


def test_the_network_is_left_as_it_was(tiny: Splits) -> None:
    network = small()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    next(
        logits_with_periphery(
            network, tiny.test.tensors[0], tiny.train, HARDWARE, 0.2, ALL, chips=1, key="test"
        )
    )
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert not any("forward" in vars(layer) for layer in network.modules())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"images_per_read": 0}, "images_per_read must be at least 1, got 0"),
        ({"interval_s": 0.0}, "interval_s must be positive and finite, got 0.0"),
        ({"compensation": ("offset",)}, "compensation must be one of drift, .*got 'offset'"),
        ({"compensation": ("drift", "drift")}, "compensation must name each at most once"),
        ({"images": 1}, "images must be at least 2, got 1"),
    ],
)
def test_bad_settings_are_refused(settings: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Periphery(**settings)


def test_parts_that_do_not_apply_are_refused_before_the_first_chip(tiny: Splits) -> None:
    bare = nn.Sequential(nn.Flatten(), nn.Linear(1024, 3))
    images = tiny.test.tensors[0]
    for periphery, said in (
        (Periphery(compensation=("batchnorm",), images=4), "network must have BatchNorm"),
        (Periphery(converters=CONVERTERS, images=97), "images must be 1 to 96, .* got 97"),
    ):
        over = logits_with_periphery(
            bare, images, tiny.train, HARDWARE, 0.1, periphery, chips=1, key="test"
        )
        with pytest.raises(ValueError, match=said):
            next(over)
    with pytest.raises(ValueError, match="deployment must be None with a periphery, got Drift"):
        Condition(HARDWARE, deployment=DriftCompensation(), periphery=Periphery())
