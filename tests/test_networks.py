"""Laws of the benchmark networks: their sizes, their snapshots, their seeds."""

from collections.abc import Callable

import pytest
import torch
import torchvision
from torch import Tensor, nn

from neft._utils.seeding import generator, seeded
from neft.networks import INITIALISATIONS, NETWORKS, Initialisation, build, initialise
from neft.training.irs import capture

SMALL = {"lenet5": 1.0, "vgg8": 0.125, "resnet18": 0.125}


def network(name: str, *, channels: int = 1, width: float = 1.0, seed: int = 0) -> nn.Module:
    return build(name, classes=10, channels=channels, width=width, seed=seed)


def weighted_layers(net: nn.Module) -> list[nn.Module]:
    return [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def lenet5(channels: int, classes: int, c: tuple[int, ...]) -> int:
    """Weights of convolutions and linear layers, biases, two parameters per BatchNorm channel."""
    convolutions = 25 * channels * c[0] + 25 * c[0] * c[1]
    linear = 5 * 5 * c[1] * c[2] + c[2] * c[3] + c[3] * classes + classes
    return convolutions + linear + 2 * (c[0] + c[1] + c[2] + c[3])


def vgg8(channels: int, classes: int, c: tuple[int, ...]) -> int:
    pairs = channels * c[0] + c[0] * c[1] + c[1] * c[2] + c[2] * c[3] + c[3] * c[4] + c[4] * c[5]
    linear = 4 * 4 * c[5] * c[6] + c[6] + c[6] * classes + classes
    return 9 * pairs + linear + 2 * (c[0] + c[1] + c[2] + c[3] + c[4] + c[5])


def resnet18(channels: int, classes: int, c: tuple[int, ...]) -> int:
    stem = 9 * channels * c[0] + 2 * c[0]
    layer1 = 4 * 9 * c[0] * c[0] + 4 * 2 * c[0]
    layer2 = 9 * c[0] * c[1] + 3 * 9 * c[1] * c[1] + c[0] * c[1] + 5 * 2 * c[1]
    layer3 = 9 * c[1] * c[2] + 3 * 9 * c[2] * c[2] + c[1] * c[2] + 5 * 2 * c[2]
    layer4 = 9 * c[2] * c[3] + 3 * 9 * c[3] * c[3] + c[2] * c[3] + 5 * 2 * c[3]
    return stem + layer1 + layer2 + layer3 + layer4 + c[3] * classes + classes


@pytest.mark.parametrize(("channels", "classes"), [(1, 10), (3, 10), (3, 100), (3, 200)])
@pytest.mark.parametrize(
    ("count", "width", "c"),
    [
        (lenet5, 1.0, (6, 16, 120, 84)),
        (lenet5, 2.0, (12, 32, 240, 168)),
        (lenet5, 0.5, (3, 8, 60, 42)),
        (lenet5, 0.001, (1, 1, 1, 1)),
        (vgg8, 1.0, (64, 128, 256, 256, 512, 512, 1024)),
        (vgg8, 0.25, (16, 32, 64, 64, 128, 128, 256)),
        (vgg8, 0.125, (8, 16, 32, 32, 64, 64, 128)),
        (resnet18, 1.0, (64, 128, 256, 512)),
        (resnet18, 0.25, (16, 32, 64, 128)),
    ],
)
def test_width_scales_every_hidden_layer_and_parameters_are_those_counted_by_hand(
    count, width: float, c: tuple[int, ...], channels: int, classes: int
) -> None:
    with torch.device("meta"):  # sizes only
        net = NETWORKS[count.__name__](classes, channels=channels, width=width)
    assert sum(p.numel() for p in net.parameters()) == count(channels, classes, c)
    layers = weighted_layers(net)
    assert layers[0].weight.shape[1] == channels
    layers_of_a_size = 5 if count is resnet18 else 1  # stem or shortcut, and two blocks
    hidden = [size for size in c for _ in range(layers_of_a_size)]
    assert [layer.weight.shape[0] for layer in layers] == [*hidden, classes]


def test_full_width_resnet18_has_the_size_that_others_report_for_small_images() -> None:
    """11.17 million, for example in the table of github.com/kuangliu/pytorch-cifar's network."""
    assert resnet18(3, 10, (64, 128, 256, 512)) == 11_173_962


SIZES = [("lenet5", 32), ("vgg8", 32), ("resnet18", 32), ("resnet18", 64), ("resnet18", 33)]


@pytest.mark.parametrize(("name", "size"), SIZES)
@pytest.mark.parametrize(("channels", "classes"), [(1, 10), (3, 7), (3, 100), (3, 200)])
def test_every_image_gets_one_logit_per_class(
    name: str, size: int, channels: int, classes: int
) -> None:
    net = build(name, classes=classes, channels=channels, width=SMALL[name], side=size, seed=0)
    assert net(torch.zeros(2, channels, size, size)).shape == (2, classes)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(3, 64, 64), (3, 28, 28), (1, 32, 32), (32, 32)])
def test_an_image_of_another_shape_is_refused(name: str, shape: tuple[int, ...]) -> None:
    net = network(name, channels=3, width=SMALL[name])
    got = str([2, *shape]).replace("[", r"\[")
    with pytest.raises(ValueError, match=rf"images must be \[batch, 3, 32, 32\], got {got}"):
        net(torch.zeros(2, *shape))


@pytest.mark.parametrize(
    ("name", "width", "shapes"),
    [
        ("lenet5", 1.0, [(6, 28, 28), (6, 14, 14), (16, 5, 5)]),
        ("vgg8", 1.0, [(64, 32, 32), (128, 16, 16), (256, 8, 8)]),
        ("vgg8", 0.125, [(8, 32, 32), (16, 16, 16), (32, 8, 8)]),
        ("resnet18", 0.25, [(16, 32, 32), (16, 32, 32), (32, 16, 16), (64, 8, 8)]),
    ],
)
def test_the_forward_pass_reaches_the_snapshots_in_order(
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


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("vgg8", [("features.conv1", 6), ("features.pool1", 4), ("features.pool2", 3)]),
        ("resnet18", [("stem", 6), ("layer1", 6), ("layer2", 4), ("layer3", 3)]),
    ],
)
def test_snapshots_are_pooled_as_published(name: str, published: list[tuple[str, int]]) -> None:
    """VGG-8: after the first convolution block to 6 x 6, the first pool to 4, the second to 3.

    ResNet-18: before layers 1 to 4, to 6, 6, 4 and 3.
    """
    assert list(NETWORKS[name].snapshots.items()) == published


def test_a_snapshot_of_resnet18_is_the_input_of_the_next_layer() -> None:
    net = network("resnet18", width=0.125).eval()
    images = torch.randn(2, 1, 32, 32, generator=generator("images"))
    met: dict[str, torch.Tensor] = {}
    following = dict(zip(net.snapshots, ("layer1", "layer2", "layer3", "layer4"), strict=True))
    for key, after in following.items():
        net.get_submodule(after).register_forward_pre_hook(
            lambda _layer, args, key=key: met.__setitem__(key, args[0].clone())
        )
    with capture(net, tuple(net.snapshots)) as taken:
        net(images)
    assert all(torch.equal(taken[key], met[key]) for key in net.snapshots)


def test_resnet18_equals_torchvisions_except_for_stem_and_names() -> None:
    """Slow oracle: torchvision's own network with a small stem and the same weights."""
    net = network("resnet18", channels=3, seed=1).eval()
    other = torchvision.models.resnet18(num_classes=10).eval()
    other.conv1, other.maxpool = nn.Conv2d(3, 64, 3, padding=1, bias=False), nn.Identity()
    names = {"stem.0": "conv1", "stem.1": "bn1", "classifier.2": "fc"}
    weights = {}
    for key, tensor in net.state_dict().items():
        ours = next((old for old in names if key.startswith(f"{old}.")), "")
        weights[key.replace(ours, names[ours]) if ours else key] = tensor
    other.load_state_dict(weights)
    images = torch.randn(2, 3, 32, 32, generator=generator("images"))
    torch.testing.assert_close(net(images), other(images))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_weights_depend_on_the_seed_and_nothing_else(name: str) -> None:
    torch.manual_seed(1)
    first = network(name, width=SMALL[name], seed=3)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again, other = (network(name, width=SMALL[name], seed=seed) for seed in (3, 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, first.state_dict().values(), again.state_dict().values()))
    for a, b in zip(weighted_layers(first), weighted_layers(other), strict=True):
        assert not torch.equal(a.weight, b.weight)


@pytest.mark.parametrize(
    ("name", "side", "inputs"),
    [("vgg8", 16, 64 * 2 * 2), ("lenet5", 28, 8 * 4 * 4), ("resnet18", 24, 64)],
)
def test_networks_fit_images_of_other_sides(name: str, side: int, inputs: int) -> None:
    width = {"vgg8": 0.125, "lenet5": 0.5, "resnet18": 0.125}[name]
    net = build(name, classes=10, channels=3, width=width, side=side, seed=0)
    first = next(layer for layer in net.classifier if isinstance(layer, nn.Linear))
    assert first.in_features == inputs
    assert net(torch.zeros(2, 3, side, side)).shape == (2, 10)
    with pytest.raises(ValueError, match=rf"images must be \[batch, 3, {side}, {side}\]"):
        net(torch.zeros(2, 3, 32, 32))


@pytest.mark.parametrize(("name", "smallest"), [("vgg8", 8), ("lenet5", 16)])
def test_images_too_small_for_the_pools_are_refused(name: str, smallest: int) -> None:
    build(name, classes=10, channels=1, width=0.1, side=smallest, seed=0)
    with pytest.raises(ValueError, match=f"side must be at least {smallest} pixels, got"):
        build(name, classes=10, channels=1, width=0.1, side=smallest - 1, seed=0)


@pytest.mark.parametrize("initialisation", INITIALISATIONS)
def test_weights_drawn_anew_are_those_of_a_new_network(initialisation: str) -> None:
    """Whatever the network was before; LeNet-5's layers are made in their order."""
    settings = {"classes": 10, "channels": 1, "width": 0.5}
    new = build("lenet5", **settings, seed=3, initialisation=initialisation)
    net = build("lenet5", **settings, seed=4, initialisation="paper")
    initialise(net, initialisation, seed=3)
    assert net.initialisation == initialisation
    assert all(map(torch.equal, net.state_dict().values(), new.state_dict().values()))


def test_unknown_names_and_impossible_widths_are_refused() -> None:
    with pytest.raises(ValueError, match="one of lenet5, vgg8, resnet18, got 'alexnet'"):
        network("alexnet")
    with pytest.raises(ValueError, match="width must be positive and finite, got 0"):
        network("lenet5", width=0)


@pytest.mark.parametrize("name", SMALL)
def test_published_initial_weights_are_normal_with_variance_two_over_fan_out(name: str) -> None:
    """And biases are 0; each z score, of thousands of weights, within 4.5 standard errors."""
    net = build(name, classes=10, channels=3, width=0.5, seed=0, initialisation="paper")
    for layer in weighted_layers(net):
        weight = layer.weight.detach()
        fan_out = weight.numel() / weight.shape[1]
        score = weight / (2 / fan_out) ** 0.5
        n = weight.numel()
        assert abs(score.mean()) < 4.5 / n**0.5
        assert abs(score.var() - 1) < 4.5 * (2 / n) ** 0.5
        assert abs((score**4).mean() - 3) < 4.5 * (96 / n) ** 0.5
        assert layer.bias is None or not layer.bias.any()


@pytest.mark.parametrize("name", SMALL)
def test_torchs_and_the_papers_weights_are_those_of_the_codes_they_name(name: str) -> None:
    def own(draw: Callable[[nn.Module], None]) -> list[Tensor]:
        net = network(name)
        with seeded("network", 0):
            for layer in weighted_layers(net):
                draw(layer)
        return list(net.state_dict().values())

    def published(layer: nn.Module) -> None:
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)

    for initialisation, draw in {
        "torch": lambda x: x.reset_parameters(),
        "paper": published,
    }.items():
        net = network(name)
        initialise(net, initialisation, seed=0)
        assert all(map(torch.equal, net.state_dict().values(), own(draw)))


@pytest.mark.parametrize("initialisation", INITIALISATIONS.values(), ids=lambda each: each.name)
def test_size_and_shape_of_initial_weights_are_chosen_for_the_last_layer_alone(
    initialisation: Initialisation,
) -> None:
    heads = nn.ModuleList(nn.Sequential(nn.Linear(300, 200), nn.Linear(200, 90)) for _ in "ab")
    with seeded("heads"):
        initialisation.draw(heads)
    for head in heads:
        sizes = initialisation.hidden, initialisation.last
        for layer, size in zip(head, sizes, strict=True):
            weight = layer.weight.detach()
            fan_out, fan_in = weight.shape
            deviation = (1 / (3 * fan_in) if size == "torch" else 2 / fan_out) ** 0.5
            assert weight.std() == pytest.approx(deviation, rel=0.03)
            uniform = initialisation.shape == "uniform"
            assert (weight.abs().max() / weight.std() < 1.8) == uniform
            assert layer.bias.any() == (size == "torch")


def test_initialisations_have_a_name_each_and_refuse_unknown_values() -> None:
    assert len(INITIALISATIONS) == 8
    assert all(name == each.name for name, each in INITIALISATIONS.items())
    with pytest.raises(ValueError, match="shape must be one of uniform, normal, got 'flat'"):
        Initialisation("torch", "flat", "torch")
    with pytest.raises(ValueError, match="last must be one of torch, paper, got 'he'"):
        Initialisation("torch", "normal", "he")


def test_initialisation_is_torchs_unless_told_and_unknown_ones_are_refused() -> None:
    net, told, paper = (
        build("lenet5", classes=10, channels=1, width=1, seed=0, **given)
        for given in ({}, {"initialisation": "torch"}, {"initialisation": "paper"})
    )
    for name, weight in net.state_dict().items():
        assert torch.equal(weight, told.state_dict()[name])
    ratios = [layer.weight.abs().max() / layer.weight.std() for layer in weighted_layers(net)]
    assert all(1.5 < ratio < 2 for ratio in ratios)
    ratios = [layer.weight.abs().max() / layer.weight.std() for layer in weighted_layers(paper)]
    assert all(ratio > 2.2 for ratio in ratios)
    with pytest.raises(
        ValueError, match=r"initialisation must be one of torch, .*, paper, got 'he'"
    ):
        build("lenet5", classes=10, channels=1, width=1, seed=0, initialisation="he")
