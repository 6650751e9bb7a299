"""Laws of training with a chip's periphery: off changes no bit, ranges are learned and kept."""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.training import HARDWARE, METHODS, SCHEDULE, Killed, fit, noisy, same, train_tiny_grid
from torch import Tensor, nn

from neft import networks
from neft._utils.seeding import seeded
from neft.chip import Converters, Fixed, Learned, Percentile, Periphery, converting, on_devices
from neft.chip.learned_ranges import learned_ranges
from neft.data.datasets import Splits
from neft.devices import ReadNoise
from neft.evaluation import load_trained
from neft.training import NoiseFree, NoiseInjection, train
from neft.training.periphery import TrainedPeriphery

NOISE = ReadNoise("n", "made up", 0.02, 0.05, 1.0, 0.03, 3.0, low_Hz=0.5, high_Hz=50)
LEARNED = Periphery(converters=Converters(5, 6, Learned(), Percentile(100), 40), images=30)


@pytest.mark.parametrize("name", ["noise_injection", "ovf", "irs"])
def test_a_periphery_that_is_off_changes_no_bit(name: str, tiny: Splits) -> None:
    plain, history = fit(METHODS[name], tiny)
    off = Periphery(images_per_read=3, compensation=("drift", "batchnorm"), images=2)
    found, again = fit(METHODS[name], tiny, periphery=off)
    assert same(plain, found)
    pd.testing.assert_frame_equal(history, again, check_exact=True)


def test_each_pass_is_one_read_whose_noise_adds_to_the_errors() -> None:
    """Variances add up: four standard errors of a variance, for 100,000 weights."""
    layer = torch.nn.Linear(400, 250)
    silent = noisy(layer)
    forward = replace(silent, read_noise=NOISE)
    full = layer.weight.abs().max().item() * HARDWARE.slice_factor
    first, second = ((forward.program()["weight"] - layer.weight).detach() for _ in "ab")
    expected = full**2 * (0.1**2 + NOISE.sigma**2)
    for drawn in (first, second):
        assert abs(drawn.var().item() / expected - 1) < 4 * math.sqrt(2 / drawn.numel())
    assert abs(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1]) < 0.02
    still = replace(forward, sigma_d=0.0).program()["weight"] - layer.weight
    found = still.var().item() / (full * NOISE.sigma) ** 2
    assert abs(found - 1) < 4 * math.sqrt(2 / still.numel())


def test_heads_that_are_on_devices_are_read_too() -> None:
    head, inputs = torch.nn.Linear(4, 2), torch.ones(1, 4)
    forward = replace(noisy(torch.nn.Linear(4, 2), sigma_d=0.0), read_noise=NOISE)
    assert not torch.equal(forward.auxiliary(head, inputs), head(inputs))


def test_training_and_validation_pass_the_converters(tiny: Splits) -> None:
    """With ranges that are fixed, they are those of a training inside `converting`."""
    converters = Converters(4, 5, Fixed(3.0), Fixed(6.0), 50)
    found, history = fit(
        NoiseInjection(), tiny, periphery=Periphery(converters=converters, images=30)
    )
    net = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
    ranges = {
        name: {"input": 3.0, "output": 6.0}
        for name, layer in net.named_modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
    }
    with converting(net, converters, ranges):
        again = train(net, NoiseInjection(), tiny, HARDWARE, 0.2, SCHEDULE, seed=0, progress=False)
    assert same(found, net)
    pd.testing.assert_frame_equal(history, again, check_exact=True)


def test_ranges_are_learned_and_those_of_the_best_epoch_kept(tiny: Splits) -> None:
    """With a large decay and little clipped, ranges shrink from epoch to epoch."""
    shrinking = Converters(8, None, Learned(start=8.0, decay=10.0, inside=0.5))
    periphery = Periphery(converters=shrinking, images=30)
    lengths = []
    for epochs in (1, 3):
        net = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
        schedule = replace(SCHEDULE, epochs=epochs, learning_rate=1e-2)
        history = train(
            net, NoiseFree(), tiny, HARDWARE, 0.0, schedule,
            seed=0, periphery=periphery, progress=False,
        )  # fmt: skip
        lengths.append((learned_ranges(net), int(history.validation_accuracy.idxmax())))
    (one, _), (three, best) = lengths
    assert one.keys() == three.keys() and len(one) == 5
    assert best > 0 and all(three[name] < one[name] for name in one)


class Rows(nn.Module):
    """A recurrent layer that reads an image row by row, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.GRU(32, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.layer(images.squeeze(1))[0][:, -1])


def test_a_recurrent_layer_learns_a_range_for_each_weight(tiny: Splits) -> None:
    with seeded("rows"):
        net = Rows()
    start = TrainedPeriphery(net, LEARNED, tiny.train, on_devices).bounds
    first = [bound.item() for bound in start]
    history = train(
        net, NoiseInjection(), tiny, HARDWARE, 0.1, SCHEDULE,
        seed=0, periphery=LEARNED, progress=False,
    )  # fmt: skip
    learned = learned_ranges(net)
    assert list(learned) == ["layer.weight_ih_l0", "layer.weight_hh_l0", "head"]
    assert all(bound > 0 for bound in learned.values()) and list(learned.values()) != first
    assert history.train_loss.notna().all()


def test_a_killed_run_continues_with_its_ranges(tiny: Splits, tmp_path: Path) -> None:
    whole, history = fit(NoiseInjection(), tiny, periphery=LEARNED)
    state = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        fit(Killed(NoiseInjection(), [5]), tiny, state=state, periphery=LEARNED)
    resumed, again = fit(NoiseInjection(), tiny, state=state, periphery=LEARNED)
    assert same(whole, resumed) and learned_ranges(whole) == learned_ranges(resumed)
    pd.testing.assert_frame_equal(history, again, check_exact=True)


@pytest.mark.usefixtures("one_process")
def test_learned_ranges_are_in_the_networks_file(tmp_path: Path, tiny: Splits) -> None:
    train_tiny_grid(tmp_path, sigma_d=[0.1], seeds=[0], periphery=LEARNED)
    network, header = load_trained(tmp_path / "sigma_d=0.1,seed=0.safetensors")
    assert learned_ranges(network) == header["learned_ranges"]
    assert len(header["learned_ranges"]) == 5


def test_compiled_code_cannot_have_converters(tiny: Splits) -> None:
    with pytest.raises(ValueError, match="compile must be false with converters, got True"):
        fit(NoiseInjection(), tiny, compile=True, periphery=LEARNED)
