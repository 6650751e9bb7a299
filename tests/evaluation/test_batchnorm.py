"""Laws of BatchNorm statistics that are re-estimated on a chip."""

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call

from neft import networks
from neft._utils.seeding import generator
from neft.chip import Hardware, accuracy_over_chips, program
from neft.data.calibration import training_images
from neft.data.datasets import Splits
from neft.devices import PRESETS
from neft.evaluation import Recalibration
from neft.evaluation.batchnorm import batch_norms, reestimate
from neft.training import NoiseFree, Schedule, train

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
    """Slow oracle: one pass per layer, after all layers before it have their statistics."""
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
def test_statistics_are_those_of_a_pass_for_each_layer(
    sigma_d: float, trained: nn.Module, tiny: Splits
) -> None:
    images, chip = tiny.train.tensors[0], chip_of(trained, sigma_d)
    found = reestimate(trained, chip, images)
    again = reestimate(trained, {**chip, **found}, images)
    expected = layer_after_layer(trained, chip, images)
    assert found.keys() == expected.keys()
    assert len(found) == 8
    for name, buffer in found.items():
        torch.testing.assert_close(buffer, expected[name], rtol=1e-4, atol=1e-5)
        assert torch.equal(again[name], buffer), "re-estimating twice changes nothing"


def test_without_variation_all_training_images_give_the_running_statistics(
    trained: nn.Module, tiny: Splits
) -> None:
    """Training divides by the biased standard deviation: a factor of 96/95 in the variance."""
    images, network = training_images(tiny.train, 96), copy.deepcopy(trained).train()
    with torch.no_grad():
        for _ in range(150):  # running averages forget their start: 0.9^150
            network(images)
    for chip, same in (({}, True), (chip_of(network), False)):
        found = reestimate(network, chip, images)
        close = [
            torch.allclose(found[name], network.get_buffer(name), rtol=0.02, atol=1e-3)
            for name in found
        ]
        assert all(close) == same


def test_a_shift_and_a_scaling_of_every_channel_are_undone(
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
    shifted = functional_call(network, {**moved, **plain}, (images,))
    corrected = functional_call(network, {**moved, **reestimate(network, moved, images)}, (images,))
    expected = functional_call(network, plain, (images,))
    torch.testing.assert_close(corrected, expected, rtol=1e-4, atol=1e-4)
    assert (shifted - expected).abs().max() > 1


def test_dropout_is_off() -> None:
    network = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(4)).train()
    images = torch.randn(50, 4, generator=generator("images"))
    found = reestimate(nn.Sequential(network, nn.Linear(4, 4)), {}, images)
    torch.testing.assert_close(found["0.1.running_mean"], images.mean(0))
    torch.testing.assert_close(found["0.1.running_var"], images.var(0))


def test_a_deployed_chip_has_the_programmed_weights_and_its_own_statistics(
    trained: nn.Module, tiny: Splits
) -> None:
    deploy = Recalibration(50).prepare(trained, tiny.train)
    deployed = deploy(trained, HARDWARE, 0.3, generator=generator("chip", 0))
    chip = chip_of(trained)
    found = reestimate(trained, chip, training_images(tiny.train, 50))
    assert deployed.keys() == chip.keys() | found.keys()
    assert all(torch.equal(deployed[name], value) for name, value in {**chip, **found}.items())


def test_re_estimating_raises_the_accuracy_on_strongly_varying_devices(
    trained: nn.Module, tiny: Splits
) -> None:
    plain, corrected = (
        accuracy_over_chips(
            trained, tiny.test, HARDWARE, 0.4, chips=20, key="test", deploy=deploy
        ).mean()
        for deploy in (program, Recalibration(96).prepare(trained, tiny.train))
    )
    assert corrected > plain


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
