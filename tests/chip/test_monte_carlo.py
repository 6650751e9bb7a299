"""Laws of Monte Carlo inference."""

import pytest
import torch
from helpers.training import fit
from torch import nn

from neft._utils.seeding import generator
from neft.chip import Execution, Hardware, accuracy_over_chips, program
from neft.data.datasets import Splits
from neft.devices import PRESETS
from neft.training import NoiseFree

HARDWARE = Hardware(PRESETS["FeFET2"])


@pytest.fixture
def net(tiny: Splits) -> nn.Module:
    """A network that has learnt enough to lose accuracy on devices."""
    return fit(NoiseFree(), tiny, sigma_d=0.0)[0]


def draws(net: nn.Module, data: Splits, sigma_d: float = 0.4, **settings) -> torch.Tensor:
    settings = {"chips": 6, "key": "test", **settings}
    return accuracy_over_chips(net, data.test, HARDWARE, sigma_d, **settings)


def test_without_variation_every_chip_is_the_network(net: nn.Module, tiny: Splits) -> None:
    images, labels = tiny.test.tensors
    clean = (net.eval()(images).argmax(1) == labels).double().mean()
    assert torch.equal(draws(net, tiny, 0.0), clean.expand(6))


def test_fast_path_equals_a_loop_over_chips_and_images(net: nn.Module, tiny: Splits) -> None:
    net.eval()
    slow = []
    for chip in range(6):
        draw = generator("chip", "test", chip)
        weights = program(net, HARDWARE, 0.4, generator=draw)
        correct = 0
        for image, label in zip(*tiny.test.tensors, strict=True):
            logits = torch.func.functional_call(net, weights, (image[None],))
            correct += int(logits.argmax() == label)
        slow.append(correct / 30)
    assert draws(net, tiny).tolist() == slow
    assert len(set(slow)) > 1


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("batch_size", [1, 7, 30, 1000])
def test_execution_does_not_matter(
    memory_format: torch.memory_format, batch_size: int, net: nn.Module, tiny: Splits
) -> None:
    execution = Execution(memory_format, batch_size)
    assert torch.equal(draws(net, tiny, execution=execution), draws(net, tiny))


def test_a_chip_does_not_depend_on_how_many_there_are(net: nn.Module, tiny: Splits) -> None:
    assert torch.equal(draws(net, tiny, chips=3), draws(net, tiny)[:3])


def test_populations_of_chips_differ_by_key(net: nn.Module, tiny: Splits) -> None:
    assert not torch.equal(draws(net, tiny, key="validation"), draws(net, tiny))


def test_no_chip_is_refused(net: nn.Module, tiny: Splits) -> None:
    with pytest.raises(ValueError, match="chips must be at least 1, got 0"):
        draws(net, tiny, chips=0)
