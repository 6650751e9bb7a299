"""Laws of networks with converters: off is the exact network, many bits approach it."""

import copy
import math
from dataclasses import replace

import pytest
import torch
import torchvision
from helpers.training import SCHEDULE, setting
from torch import Tensor, nn
from torch.nn import functional as F

from neft import networks
from neft._utils.seeding import generator, seeded
from neft.chip import (
    Converters,
    Deviations,
    Hardware,
    Learned,
    Percentile,
    accuracy_over_chips,
    calibrate,
    converting,
    logits_over_chips,
    on_devices,
    program,
    quantise,
)
from neft.chip.converter_ranges import RangeRule
from neft.chip.learned_ranges import learned_ranges, set_learned_ranges
from neft.data.datasets import Splits
from neft.devices import PRESETS
from neft.training import Distillation, NoiseInjection, train

HARDWARE = Hardware(PRESETS["RRAM1"])
COARSE = Converters(6, 6, Percentile(99), Deviations(3), 20)


def small() -> tuple[nn.Sequential, Tensor]:
    with seeded("converting"):
        net = nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 4, 3, stride=2, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3),
        )  # fmt: skip
        return net.double(), torch.randn(5, 2, 12, 12, dtype=torch.float64)


def untouched(net: nn.Module) -> bool:
    return not any("forward" in vars(layer) for layer in net.modules())


def worst_errors(
    net: nn.Sequential, ranges: dict, converters: Converters, images: Tensor
) -> Tensor:
    """Bound of the error of each logit, carried from layer to layer.

    Where nothing is clipped, an input errs by half a step more than its layer's input did, a tile's
    sum by half a step of its ADC; |W| carries the input's error on, and ReLU and pooling do not
    enlarge the largest error in a window.
    """
    error = torch.zeros_like(images)
    for name, layer in net.named_children():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            error = error if isinstance(layer, nn.ReLU) else layer(error)
            continue
        dac, adc = (2 ** (bits - 1) - 1 for bits in (converters.dac_bits, converters.adc_bits))
        size, error = layer.weight.abs(), error + ranges[name]["input"] / dac / 2
        if isinstance(layer, nn.Linear):
            error = F.linear(error, size)
        else:
            error = F.conv2d(error, size, None, layer.stride, layer.padding)
        tiles = math.ceil(size[0].numel() / converters.tile_rows)
        error = error + tiles * ranges[name]["output"] / adc / 2
    return error


@torch.no_grad()
def test_errors_of_the_logits_are_within_the_sum_of_half_steps_and_vanish() -> None:
    net, images = small()
    bounds = []
    for bits in (5, 8, 12, 20):
        converters = Converters(bits, bits, Percentile(100), Percentile(100), 7)
        ranges = calibrate(net, images, converters)
        with converting(net, converters, ranges):
            rounded = net(images)
        errors = (rounded - net(images)).abs()
        bound = worst_errors(net, ranges, converters, images)
        assert (errors <= bound).all() and errors.max() > bound.max() / 1000
        bounds.append(bound.max())
    assert bounds[-1] < bounds[0] / 2**14


@pytest.mark.parametrize("name", ["lenet5", "vgg8"])
def test_without_converters_and_tiles_the_network_is_its_own_to_the_bit(name: str) -> None:
    net, images, _ = setting(name)
    expected = net.eval()(images)
    with converting(net, Converters(), {}):
        assert torch.equal(net(images), expected) and untouched(net)
    with converting(net, COARSE, calibrate(net, images, COARSE)):
        coarse = net(images)
        assert torch.equal(net(images), coarse) and not torch.equal(coarse, expected)
    assert torch.equal(net(images), expected) and untouched(net)


def test_a_network_with_converters_equals_its_layers_one_by_one() -> None:
    net, images = small()
    converters = Converters(5, 4, Percentile(99), Deviations(2))
    ranges = calibrate(net, images, converters)
    assert list(ranges) == ["0", "3", "6"]
    signal = images
    for name, layer in net.named_children():
        if name in ranges:
            assert ranges[name]["input"] == Percentile(99).bound(signal)
            signal = quantise(signal, 5, ranges[name]["input"])
            bias, plain = layer.bias, copy.deepcopy(layer)
            plain.bias = None
            signal = plain(signal)
            assert ranges[name]["output"] == Deviations(2).bound(signal)
            signal = quantise(signal, 4, ranges[name]["output"])
            if bias is not None:
                signal = signal + bias.view(-1, *[1] * (signal.dim() - 2))
        else:
            signal = layer(signal)
    with converting(net, converters, ranges):
        torch.testing.assert_close(net(images), signal)


def test_a_layer_that_is_called_twice_has_the_wider_of_its_ranges() -> None:
    layer = nn.Linear(2, 2, bias=False)
    nn.init.constant_(layer.weight, 3.0)
    converters = Converters(dac_bits=8, input_range=Percentile(100))
    inputs = torch.tensor([[1.0, 0.5]])
    ranges = calibrate(nn.Sequential(layer, layer), inputs, converters)
    assert ranges == {"0": {"input": pytest.approx(4.5, abs=0.02)}}
    halves = nn.Sequential(layer, nn.Hardtanh(-0.25, 0.25), layer)
    assert calibrate(halves, inputs, converters) == {"0": {"input": 1.0}}


def test_calibration_leaves_the_network_and_the_generator_as_they_were() -> None:
    net, images, _ = setting("lenet5")
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    state = torch.get_rng_state()
    assert calibrate(net, images, COARSE) == calibrate(net, images, COARSE)
    assert net.training and untouched(net) and torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def written(net: nn.Module, chip: dict[str, Tensor]) -> nn.Module:
    other = copy.deepcopy(net)
    with torch.no_grad():
        for name, weight in chip.items():
            other.get_parameter(name).copy_(weight)
    return other


MODELS = {
    "resnet18": lambda: networks.build("resnet18", classes=3, channels=3, width=0.1, seed=0),
    "mobilenet_v2": lambda: torchvision.models.mobilenet_v2(num_classes=3, width_mult=0.1),
    "decoder": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.ConvTranspose2d(8, 4, 3, 2, groups=2),
        nn.BatchNorm2d(4), nn.ReLU(), nn.ConvTranspose2d(4, 2, 4, 2, 1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_chip_with_converters_is_a_copy_with_other_weights_with_converters(name: str) -> None:
    with seeded("any network"):
        net, images = MODELS[name]().eval(), torch.randn(3, 3, 32, 32)
    chip = program(net, HARDWARE, 0.1, generator=generator("chip"))
    ranges = calibrate(net, images, COARSE)
    with converting(net, COARSE, ranges):
        found = torch.func.functional_call(net, chip, (images,))
        inside = written(net, chip)
    outside = written(net, chip)
    with converting(outside, COARSE, ranges):
        assert torch.equal(found, outside(images))
    assert torch.equal(found, inside(images)) and not untouched(inside)
    assert not torch.equal(found, outside(images))


def test_accuracy_over_chips_is_that_of_the_converted_logits(tiny: Splits) -> None:
    net = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    images, labels = tiny.test.tensors
    chips = {"chips": 3, "key": "test"}
    with converting(net, COARSE, calibrate(net, images, COARSE)):
        found = accuracy_over_chips(net, tiny.test, HARDWARE, 0.2, **chips)
        logits = torch.stack(list(logits_over_chips(net, images, HARDWARE, 0.2, **chips)))
    assert torch.equal(found, (logits.argmax(2) == labels).double().mean(1))
    plain = torch.stack(list(logits_over_chips(net, images, HARDWARE, 0.2, **chips)))
    assert not torch.equal(logits, plain)


@pytest.mark.parametrize("method", [NoiseInjection(), Distillation(pretraining=0.4)])
def test_a_network_trains_with_its_converters(method, tiny: Splits) -> None:
    images, _ = tiny.validation.tensors
    losses, trained = [], []
    for converters in (Converters(), replace(COARSE, dac_bits=3, adc_bits=3)):
        net = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
        ranges = {} if converters.exact else calibrate(net, images, converters)
        with converting(net, converters, ranges):
            history = train(net, method, tiny, HARDWARE, 0.1, SCHEDULE, seed=0, progress=False)
        losses.append(history.train_loss)
        trained.append(net)
        assert history.train_loss.iloc[-1] < history.train_loss.iloc[0] and untouched(net)
    assert not losses[0].equals(losses[1])
    assert trained[0].state_dict().keys() == trained[1].state_dict().keys()


def test_a_predicate_leaves_layers_without_converters() -> None:
    net, images = small()

    def plain(name: str, layer: nn.Module) -> bool:
        return on_devices(name, layer) and not isinstance(layer, nn.Linear)

    assert list(calibrate(net, images, COARSE, where=plain)) == ["0", "3"]


def test_nothing_is_left_of_them_after_an_exception() -> None:
    net, images = small()
    ranges = calibrate(net, images, COARSE)
    with pytest.raises(RuntimeError), converting(net, COARSE, ranges):
        net(images[:, :1])
    with pytest.raises(RuntimeError):
        calibrate(net, images[:, :1], COARSE)
    assert untouched(net)


def test_a_layer_trained_with_a_learned_range_has_it_and_others_their_start() -> None:
    net, images = small()
    converters = Converters(6, None, Learned(start=2.0))
    start = calibrate(net, images, converters)
    assert start["0"]["input"] == pytest.approx(2 * images.std().item())
    set_learned_ranges(net, {"0": 0.7})
    assert learned_ranges(net) == learned_ranges(copy.deepcopy(net)) == {"0": 0.7}
    found = calibrate(net, images, converters)
    assert found["0"] == {"input": 0.7}
    with converting(net, converters, found):  # the next range is that of what then arrives
        signal = net[:3](images)
    assert found["3"]["input"] == pytest.approx(2 * signal.std().item())
    percentile = Converters(6, None, Percentile(100))
    assert calibrate(net, images, percentile)["0"]["input"] == images.abs().max()


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ({"9": 1.0}, "learned range must be of a layer, got '9'"),
        ({"0": 0.0}, "learned range of 0 must be positive and finite, got 0"),
        ({"0": math.inf}, "learned range of 0 must be positive and finite, got inf"),
    ],
)
def test_impossible_learned_ranges_are_refused(ranges: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        set_learned_ranges(small()[0], ranges)


def test_ranges_of_training_are_those_of_the_images_own_statistics() -> None:
    with seeded("statistics"):
        net, images = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 2)), 7 + torch.randn(50, 3)
    before = copy.deepcopy(net.state_dict())
    converters = Converters(6, None, Percentile(100))
    tested = calibrate(net, images, converters)
    assert tested["1"]["input"] == pytest.approx(images.abs().max().item(), rel=1e-4)
    trained = calibrate(net.train(), images, converters, training=True)
    normal = (images - images.mean(0)) / images.std(0, unbiased=False)
    assert trained["1"]["input"] == pytest.approx(normal.abs().max().item(), rel=1e-4)
    assert net.training and all(torch.equal(before[n], v) for n, v in net.state_dict().items())


@pytest.mark.parametrize("rule", [Percentile(90), Deviations(3), Learned()])
def test_a_signal_that_is_nearly_all_0_has_its_largest_value_or_1(rule: RangeRule) -> None:
    net, images = nn.Sequential(nn.Linear(100, 2)), torch.zeros(5, 100)
    converters = Converters(6, None, rule)
    assert calibrate(net, images, converters)["0"]["input"] == 1
    images[0, 0] = -0.3
    found = calibrate(net, images, converters)["0"]["input"]
    assert found == pytest.approx(rule.bound(images) or 0.3)
    with converting(net, converters, {"0": {"input": 1.0}}):
        assert torch.equal(net(torch.zeros(5, 100)), net[0].bias.expand(5, 2))
