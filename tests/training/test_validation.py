"""Laws of the validation: chips that share the images among them."""

import pytest
import torch
from helpers.training import HARDWARE
from torch import nn

from neft import networks
from neft._utils.seeding import generator
from neft.chip import Execution, accuracy_over_chips, program
from neft.data.datasets import Splits
from neft.training.validation import validation_accuracy

EXECUTION = Execution(torch.contiguous_format, 500)


@pytest.fixture
def net() -> nn.Module:
    return networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)


def validated(net: nn.Module, data: Splits, chips: int) -> float:
    return validation_accuracy(
        net, data.validation, HARDWARE, 0.3, chips=chips, execution=EXECUTION
    )


def test_one_chip_sees_all_images(net: nn.Module, tiny: Splits) -> None:
    settings = {"chips": 1, "key": "validation"}
    (whole,) = accuracy_over_chips(net, tiny.validation, HARDWARE, 0.3, **settings).tolist()
    assert validated(net, tiny, 1) == whole


@pytest.mark.parametrize("chips", [2, 4, 1000])
def test_it_equals_a_loop_over_images(chips: int, net: nn.Module, tiny: Splits) -> None:
    right, count = 0, min(chips, len(tiny.validation))
    net.eval()
    for index, (image, label) in enumerate(tiny.validation):
        draw = generator("chip", "validation", index % count)
        weights = program(net, HARDWARE, 0.3, generator=draw)
        right += int(torch.func.functional_call(net, weights, (image[None],)).argmax() == label)
    net.train()
    assert validated(net, tiny, chips) == right / len(tiny.validation)
    assert net.training
