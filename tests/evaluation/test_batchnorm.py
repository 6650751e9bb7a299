"""Laws of BatchNorm statistics that are estimated anew on a chip."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from neft import networks
from neft._utils.seeding import generator
from neft.chip.hardware import Hardware
from neft.chip.monte_carlo import logits_over_chips
from neft.chip.programming import program
from neft.data.datasets import Splits
from neft.devices.presets import PRESETS
from neft.evaluation.batchnorm import Recalibration, batch_norms, reestimate
from neft.evaluation.deployment import training_images
from neft.training.baselines import NoiseFree
from neft.training.loop import Schedule, train

HARDWARE = Hardware(PRESETS["FeFET2"])


@pytest.fixture(scope="module")
def trained(tiny: Splits) -> nn.Module:
    network = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    schedule = Schedule(epochs=20, batch_size=32, validation_chips=1)
    train(network, NoiseFree(), tiny, HARDWARE, 0.0, schedule, seed=0, progress=False)
    return network


def chip_of(network: nn.Module, sigma_d: float = 0.3) -> dict[str, torch.Tensor]:
    return program(network, HARDWARE, sigma_d, generator=generator("chip", 0))


@torch.no_grad()
def layer_after_layer(network, chip, images) -> dict[str, torch.Tensor]:
    """A pass for each layer, whose input is caught when all before it have their statistics."""
    network = copy.deepcopy(network).eval()
    network.load_state_dict({**network.state_dict(), **chip})
    for layer in batch_norms(network).values():
        caught = []
        hook = layer.register_forward_hook(lambda layer, inputs, out, to=caught: to.append(inputs))
        network(images)
        hook.remove()
        values = caught[0][0].double().movedim(1, 0).flatten(1)
        layer.running_mean.copy_(values.mean(1))
        layer.running_var.copy_(values.var(1))
    kept = ("running_mean", "running_var")
    return {name: b for name, b in network.named_buffers() if name.endswith(kept)}


@pytest.mark.parametrize("sigma_d", [0.0, 0.3])
def test_statistics_are_those_of_one_layer_after_the_other(
    sigma_d: float, trained: nn.Module, tiny: Splits
) -> None:
    images, chip = tiny.train.tensors[0], chip_of(trained, sigma_d)
    found = reestimate(trained, chip, images)
    expected = layer_after_layer(trained, chip, images)
    assert found.keys() == expected.keys()
    assert len(found) == 8
    for name, buffer in found.items():
        torch.testing.assert_close(buffer, expected[name], rtol=1e-4, atol=1e-5)


def test_without_variation_all_training_images_give_what_training_gives(
    trained: nn.Module, tiny: Splits
) -> None:
    """Training divides by the biased standard deviation: a factor of 96/95 in the variance."""
    images, network = training_images(tiny.train, 96), copy.deepcopy(trained).train()
    with torch.no_grad():
        for _ in range(150):  # running averages forget where they began: 0.9^150
            network(images)
    for chip, same in (({}, True), (chip_of(network), False)):
        found = reestimate(network, chip, images)
        close = [
            torch.allclose(found[name], network.get_buffer(name), rtol=0.02, atol=1e-3)
            for name in found
        ]
        assert all(close) == same


def test_a_shift_and_a_stretch_of_every_channel_are_undone(
    trained: nn.Module, tiny: Splits
) -> None:
    images = tiny.train.tensors[0]
    factors = torch.tensor([0.25, 4.0, 0.5])
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3, eps=0.0), nn.ReLU()).eval()
    plain = reestimate(network, {}, images)
    moved = {
        "0.weight": network[0].weight * factors[:, None, None, None],
        "0.bias": network[0].bias * factors + torch.tensor([1.0, -2.0, 3.0]),
    }
    spoilt = functional_call(network, {**moved, **plain}, (images,))
    mended = functional_call(network, {**moved, **reestimate(network, moved, images)}, (images,))
    expected = functional_call(network, plain, (images,))
    torch.testing.assert_close(mended, expected, rtol=1e-4, atol=1e-4)
    assert (spoilt - expected).abs().max() > 1


def test_re_estimating_twice_changes_nothing(trained: nn.Module, tiny: Splits) -> None:
    images, chip = tiny.train.tensors[0], chip_of(trained)
    once = reestimate(trained, chip, images)
    twice = reestimate(trained, {**chip, **once}, images)
    assert all(torch.equal(once[name], twice[name]) for name in once)


class Dropping(nn.Module):
    """Dropout before the statistics that are looked at; a BatchNorm that trains, one that not."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout, self.first, self.second = nn.Dropout(0.5), *map(nn.BatchNorm1d, (4, 4))
        self.linear = nn.Linear(4, 4)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.second(self.linear(self.first(self.dropout(inputs))))


def test_dropout_is_off_and_the_network_is_left_as_it_was() -> None:
    network, images = Dropping(), torch.randn(50, 4, generator=generator("images"))
    network.train()
    network.second.eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    modes = {name: module.training for name, module in network.named_modules()}
    state = torch.get_rng_state()
    found = reestimate(network, {}, images)
    torch.testing.assert_close(found["first.running_mean"], images.mean(0))
    torch.testing.assert_close(found["first.running_var"], images.var(0))
    assert modes == {name: module.training for name, module in network.named_modules()}
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert not any(module._forward_pre_hooks for module in network.modules())
    assert torch.equal(torch.get_rng_state(), state)


def test_deployed_chips_have_the_programmed_weights_and_their_own_statistics(
    trained: nn.Module, tiny: Splits
) -> None:
    deploy = Recalibration(50).prepare(trained, tiny.train)
    deployed = deploy(trained, HARDWARE, 0.3, generator=generator("chip", 0))
    chip = chip_of(trained)
    found = reestimate(trained, chip, training_images(tiny.train, 50))
    assert deployed.keys() == chip.keys() | found.keys()
    assert all(torch.equal(deployed[name], value) for name, value in {**chip, **found}.items())


def test_re_estimating_helps_a_network_on_strongly_varying_devices(
    trained: nn.Module, tiny: Splits
) -> None:
    images, labels = tiny.test.tensors
    plain, helped = (
        torch.stack(
            list(
                logits_over_chips(trained, images, HARDWARE, 0.4, chips=20, key="test", **deployed)
            )
        )
        for deployed in ({}, {"deploy": Recalibration(96).prepare(trained, tiny.train)})
    )
    right = [(logits.argmax(2) == labels).double().mean() for logits in (plain, helped)]
    assert right[1] > right[0]


@pytest.mark.parametrize(
    "network",
    [nn.Linear(4, 2), nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2, track_running_stats=False))],
)
def test_networks_without_statistics_are_refused_before_any_work(network: nn.Module) -> None:
    said = (
        f"network must have BatchNorm that keeps statistics, got none in {type(network).__name__}"
    )
    with pytest.raises(ValueError, match=said):
        Recalibration(50).prepare(network, None)
    with pytest.raises(ValueError, match=said):
        reestimate(network, {}, None)


def test_a_single_image_has_no_variance(trained: nn.Module, tiny: Splits) -> None:
    with pytest.raises(ValueError, match="images must be at least 2 for a variance, got 1"):
        reestimate(trained, {}, tiny.train.tensors[0][:1])
