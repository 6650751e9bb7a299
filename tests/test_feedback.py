"""Laws of negative feedback training: the loss, OVF and IRS."""

import math

import pytest
import torch
from torch import nn

from neft import models
from neft.baselines import ScaledLogits
from neft.feedback import IRS, OVF, negative_feedback_loss, snapshots
from neft.forward import NoisyForward
from neft.hardware import Hardware
from neft.layers import DEVICE_LAYERS, device_weights
from neft.presets import PRESETS
from neft.seeding import generator

HARDWARE = Hardware(PRESETS["RRAM4"])
NETWORKS = {
    "lenet5": {"channels": 1, "width": 1.0},
    "vgg8": {"channels": 3, "width": 0.25},
    "resnet18": {"channels": 3, "width": 0.125},
}


def setting(name: str, batch: int = 4) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    net = models.build(name, classes=10, seed=0, **NETWORKS[name])
    inputs = torch.randn(batch, NETWORKS[name]["channels"], 32, 32, generator=generator("x"))
    return net, inputs, torch.randint(10, (batch,), generator=generator("y"))


def noisy(net: nn.Module, sigma_d: float = 0.1) -> NoisyForward:
    return NoisyForward(net, HARDWARE, sigma_d, generator("backbone"), generator("feedback"))


@pytest.mark.parametrize("seed", range(5))
def test_loss_is_the_papers_formula(seed: int) -> None:
    draw = generator("loss", seed)
    beta, decay = torch.rand(2, generator=draw, dtype=torch.float64).tolist()
    count = 1 + seed
    z = torch.randn(count + 1, 6, 3, generator=draw, dtype=torch.float64)
    y = torch.randint(3, (6,), generator=draw)
    fast = negative_feedback_loss(z[0], list(z[1:]), y, beta=beta, decay=decay)
    slow = 0.0
    for i in range(6):
        logits = [
            (z[0, i, k] - beta * sum(decay ** (n - 1) * z[n, i, k] for n in range(1, count + 1)))
            / (count + 1)
            for k in range(3)
        ]
        total = sum(math.exp(value) for value in logits)
        slow -= math.log(math.exp(logits[y[i]]) / total) / 6
    assert fast.item() == pytest.approx(slow)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_of_ovfs_feedback_sees_the_larger_variation(name: str) -> None:
    """The sampled error of each layer, in units of what sigma_d alone would give, is the ratio."""
    net, inputs, labels = setting(name)
    sigma_d, increments = 0.1, (0.15, 0.10, 0.05)
    original = {key: weight.detach().clone() for key, weight in device_weights(net).items()}
    seen: dict[str, list[float]] = {key: [] for key in original}

    def record(key: str):
        def hook(layer: nn.Module, args: tuple) -> None:
            scale = original[key].abs().max()
            unit = HARDWARE.variation.spread(original[key].abs() / scale) * scale
            error = (layer.weight - original[key]) / (unit * HARDWARE.slice_factor)
            seen[key].append(error.std().item())

        return hook

    for key, layer in net.named_modules():
        if isinstance(layer, DEVICE_LAYERS):
            layer.register_forward_pre_hook(record(f"{key}.weight"))
    OVF(beta=0.1, increments=increments).loss(noisy(net, sigma_d), nn.ModuleList(), inputs, labels)
    for key, spreads in seen.items():
        expected = [sigma_d, *(sigma_d + step for step in increments)]
        tolerance = 5 / math.sqrt(2 * original[key].numel())
        assert spreads == pytest.approx(expected, rel=tolerance), key


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("method", [OVF(beta=0.0), IRS(beta=0.0, hidden=16)], ids=["ovf", "irs"])
def test_without_beta_the_gradients_are_those_of_scaled_logits_to_the_bit(
    name: str, method
) -> None:
    gradients = []
    count = len(setting(name)[0].snapshots) if isinstance(method, IRS) else len(method.increments)
    for each in (method, ScaledLogits(divisor=count + 1)):
        net, inputs, labels = setting(name)
        each.loss(noisy(net), each.auxiliary(net, inputs), inputs, labels).backward()
        gradients.append([p.grad for p in net.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_with_beta_the_gradients_differ_from_scaled_logits() -> None:
    losses = []
    for each in (OVF(beta=0.1), IRS(beta=0.1, hidden=16), ScaledLogits(divisor=4)):
        net, inputs, labels = setting("lenet5")
        losses.append(each.loss(noisy(net), each.auxiliary(net, inputs), inputs, labels).item())
    assert len(set(losses)) == 3


@pytest.mark.parametrize("name", NETWORKS)
def test_irs_heads_pool_to_the_networks_sizes_and_end_in_its_classes(name: str) -> None:
    net, inputs, _ = setting(name)
    heads = IRS(beta=0.1, hidden=7).auxiliary(net, inputs)
    with snapshots(net, tuple(net.snapshots)) as taken:
        net(inputs)
    assert len(heads) == len(net.snapshots)
    for head, (key, size) in zip(heads, net.snapshots.items(), strict=True):
        assert head[2].in_features == taken[key].shape[1] * size**2
        assert head(taken[key]).shape == (len(inputs), 10)


def test_building_irs_heads_leaves_the_network_as_it_was() -> None:
    net, inputs, _ = setting("lenet5")
    net.train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    IRS(beta=0.1).auxiliary(net, inputs)
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_irs_trains_heads_and_backbone() -> None:
    net, inputs, labels = setting("lenet5")
    method = IRS(beta=0.1, hidden=16)
    heads = method.auxiliary(net, inputs)
    method.loss(noisy(net), heads, inputs, labels).backward()
    assert all(p.grad is not None for p in [*net.parameters(), *heads.parameters()])


def test_snapshot_hooks_are_gone_after_an_exception() -> None:
    net, inputs, _ = setting("lenet5")
    with pytest.raises(RuntimeError), snapshots(net, ("features.pool1",)) as taken:
        raise RuntimeError
    net(inputs)
    assert taken == {}


def test_unknown_snapshot_is_refused() -> None:
    net, _, _ = setting("lenet5")
    with (
        pytest.raises(ValueError, match="'features\\.pool9'"),
        snapshots(net, ("features.pool9",)),
    ):
        pass


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: OVF(beta=-0.1), "beta must be non-negative and finite, got -0.1"),
        (lambda: OVF(beta=math.nan), "beta must be non-negative and finite, got nan"),
        (lambda: OVF(beta=0.1, increments=()), "increments must not be empty"),
        (lambda: OVF(beta=0.1, increments=(0.1, 0.0)), r"increments\[1\] must be positive"),
        (lambda: IRS(beta=0.1, decay=-1), "decay must be non-negative"),
        (lambda: IRS(beta=0.1, hidden=0), "hidden must be positive"),
        (lambda: ScaledLogits(divisor=0), "divisor must be positive"),
    ],
)
def test_impossible_settings_are_refused(make, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
