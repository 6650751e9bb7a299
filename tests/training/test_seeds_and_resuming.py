"""Laws of the training loop: what depends on the seed, and how a killed run continues."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from helpers.training import HARDWARE, METHODS, SCHEDULE, Killed, fit, same
from torch import nn

from neft import networks
from neft.data.datasets import Splits
from neft.training import IRS, OVF, train


@pytest.mark.parametrize("name", METHODS)
def test_same_seed_gives_the_same_bits_and_another_seed_others(name: str, tiny: Splits) -> None:
    (first, history), (second, again) = (fit(METHODS[name], tiny) for _ in range(2))
    assert same(first, second)
    pd.testing.assert_frame_equal(history, again, check_exact=True)
    assert not same(first, fit(METHODS[name], tiny, seed=1)[0])


def test_data_order_and_errors_depend_on_seed_epoch_and_step(tiny: Splits) -> None:
    """The learning rate changes no weight, so that programmed weights differ by their errors."""

    def passes(seed: int) -> list[tuple[bytes, bytes]]:
        """Images and programmed weights of each pass: backbone, feedback, backbone, ..."""
        net = networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)
        seen = []

        def note(layer: nn.Module, args: tuple[torch.Tensor]) -> None:
            if layer.training:
                seen.append(tuple(t.detach().numpy().tobytes() for t in (*args, layer.weight)))

        net.features.conv1[0].register_forward_pre_hook(note)
        frozen = replace(SCHEDULE, learning_rate=1e-30)
        method = OVF(0.1, increments=(0.0,))
        train(net, method, tiny, HARDWARE, 0.2, frozen, seed=seed, progress=False)
        return seen

    one, other = passes(0), passes(1)
    assert one == passes(0)
    images, weights = zip(*one, *other, strict=True)
    assert len(set(weights)) == len(weights) == 2 * 2 * 3 * 3  # seeds, passes, epochs, steps
    assert images[::2] == images[1::2]
    assert len(set(images)) == 2 * 3 * 3


def test_auxiliary_modules_start_from_the_seed_and_are_trained(tiny: Splits) -> None:
    @dataclass(frozen=True)
    class Noted(IRS):
        heads: list[list[torch.Tensor]] = field(default_factory=list)

        def loss(self, forward, auxiliary, inputs, labels) -> torch.Tensor:
            self.heads.append([p.detach().clone() for p in auxiliary.parameters()])
            return super().loss(forward, auxiliary, inputs, labels)

    starts = []
    for seed in (0, 1):
        method = Noted(0.1, hidden=8)
        fit(method, tiny, seed=seed)
        first, last = method.heads[0], method.heads[-1]
        assert len(first) == 3 * 4  # weight and bias of two layers, for each snapshot
        assert not any(map(torch.equal, first, last))
        starts.append(first)
    assert not any(map(torch.equal, *starts))


@pytest.mark.parametrize("name", ["noise_injection", "ovf", "irs"])
@pytest.mark.parametrize("steps", [1, 3, 5, 8])
def test_killed_run_continues_to_the_same_bits(
    name: str, steps: int, tiny: Splits, tmp_path: Path
) -> None:
    whole, history = fit(METHODS[name], tiny)
    state = tmp_path / "state.safetensors"
    with pytest.raises(KeyboardInterrupt):
        fit(Killed(METHODS[name], [steps]), tiny, state=state)
    resumed, again = fit(METHODS[name], tiny, state=state)
    assert same(whole, resumed)
    pd.testing.assert_frame_equal(history, again, check_exact=True)
    finished, _ = fit(Killed(METHODS[name], [0]), tiny, state=state)
    assert same(whole, finished), "a finished run is not trained again"


def test_the_state_of_another_run_is_refused(tiny: Splits, tmp_path: Path) -> None:
    state = tmp_path / "state.safetensors"
    fit(METHODS["irs"], tiny, state=state)
    with pytest.raises(ValueError, match=r"state\.safetensors: not a state of this training run"):
        fit(replace(METHODS["irs"], hidden=9), tiny, state=state)
