"""Laws of the benchmark networks: their sizes, their snapshots, their seeds."""

import math

import pytest
import torch
from torch import nn

from neft.models import NETWORKS, build

# Weights of the convolutions; 2 a BatchNorm channel; weights of the linear layers; biases.
LENET5_SHARED = 25 * 6 * 16 + 2 * (6 + 16 + 120 + 84) + 400 * 120 + 120 * 84 + 84 * 10 + 10
VGG8_SHARED = (
    9 * (64 * 128 + 128 * 256 + 256 * 256 + 256 * 512 + 512 * 512)
    + 2 * (64 + 128 + 256 + 256 + 512 + 512)
    + (512 * 4 * 4 * 1024 + 1024)
    + (1024 * 10 + 10)
)
SMALL = {"lenet5": 1.0, "vgg8": 0.125}


def network(name: str, *, channels: int = 1, width: float = 1.0, seed: int = 0) -> nn.Module:
    return build(name, classes=10, channels=channels, width=width, seed=seed)


def weighted_layers(net: nn.Module) -> list[nn.Module]:
    return [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@pytest.mark.parametrize(
    ("name", "channels", "count"),
    [
        ("lenet5", 1, 25 * 1 * 6 + LENET5_SHARED),
        ("lenet5", 3, 25 * 3 * 6 + LENET5_SHARED),
        ("vgg8", 1, 9 * 1 * 64 + VGG8_SHARED),
        ("vgg8", 3, 9 * 3 * 64 + VGG8_SHARED),
    ],
)
def test_parameters_are_those_counted_by_hand(name: str, channels: int, count: int) -> None:
    assert sum(p.numel() for p in network(name, channels=channels).parameters()) == count


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("channels", "classes"), [(1, 10), (3, 7)])
def test_every_image_gets_a_logit_for_every_class(name: str, channels: int, classes: int) -> None:
    net = build(name, classes=classes, channels=channels, width=SMALL[name], seed=0)
    assert net(torch.zeros(4, channels, 32, 32)).shape == (4, classes)


@pytest.mark.parametrize(
    ("name", "width", "shapes"),
    [
        ("lenet5", 1.0, [(6, 28, 28), (6, 14, 14), (16, 5, 5)]),
        ("vgg8", 1.0, [(64, 32, 32), (128, 16, 16), (256, 8, 8)]),
        ("vgg8", 0.125, [(8, 32, 32), (16, 16, 16), (32, 8, 8)]),
    ],
)
def test_the_forward_pass_meets_the_snapshots_in_order(
    name: str, width: float, shapes: list[tuple[int, ...]]
) -> None:
    net = network(name, width=width).eval()
    met: list[tuple[str, tuple[int, ...]]] = []
    for key in reversed(net.snapshots):
        net.get_submodule(key).register_forward_hook(
            lambda _module, _inputs, output, key=key: met.append((key, tuple(output.shape[1:])))
        )
    with torch.no_grad():
        net(torch.zeros(1, 1, 32, 32))
    assert met == list(zip(net.snapshots, shapes, strict=True))


def test_snapshots_of_vgg8_are_pooled_as_published() -> None:
    """After the first convolution block to 6 x 6, the first pool to 4, the second to 3."""
    published = [("features.conv1", 6), ("features.pool1", 4), ("features.pool2", 3)]
    assert list(NETWORKS["vgg8"].snapshots.items()) == published


@pytest.mark.parametrize(
    ("name", "width", "hidden"),
    [
        ("lenet5", 1.0, [6, 16, 120, 84]),
        ("lenet5", 0.5, [3, 8, 60, 42]),
        ("lenet5", 2.0, [12, 32, 240, 168]),
        ("vgg8", 1.0, [64, 128, 256, 256, 512, 512, 1024]),
        ("vgg8", 0.125, [8, 16, 32, 32, 64, 64, 128]),
        ("lenet5", 0.001, [1, 1, 1, 1]),
    ],
)
def test_width_scales_every_hidden_layer_and_no_other(
    name: str, width: float, hidden: list[int]
) -> None:
    layers = weighted_layers(network(name, channels=3, width=width))
    assert [layer.weight.shape[0] for layer in layers] == [*hidden, 10]
    assert layers[0].weight.shape[1] == 3


@pytest.mark.parametrize("name", NETWORKS)
def test_the_weights_depend_on_the_seed_and_nothing_else(name: str) -> None:
    torch.manual_seed(1)
    first = network(name, width=SMALL[name], seed=3).state_dict()
    torch.manual_seed(2)
    again = network(name, width=SMALL[name], seed=3).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)


@pytest.mark.parametrize("name", NETWORKS)
def test_another_seed_changes_every_weighted_layer(name: str) -> None:
    one, other = (weighted_layers(network(name, width=SMALL[name], seed=s)) for s in (3, 4))
    for a, b in zip(one, other, strict=True):
        assert not torch.equal(a.weight, b.weight)


@pytest.mark.parametrize("name", NETWORKS)
def test_building_leaves_the_global_generator_alone(name: str) -> None:
    before = torch.get_rng_state()
    network(name, width=SMALL[name])
    assert torch.equal(torch.get_rng_state(), before)


def test_an_unknown_network_is_named_beside_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"network must be one of lenet5, vgg8, got 'alexnet'"):
        network("alexnet")


@pytest.mark.parametrize("width", [0, -1, math.inf, math.nan])
def test_an_impossible_width_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match=f"width must be positive and finite, got {width}"):
        network("lenet5", width=width)
