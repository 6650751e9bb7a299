"""Laws of all corrections at deployment, and of the data that they may use."""

from collections.abc import Iterable

import pytest
import torch
from torch import nn

from neft import networks
from neft._utils.seeding import generator
from neft.chip import Hardware, accuracy, accuracy_over_chips, device_weights, logits_over_chips
from neft.data.datasets import Splits
from neft.devices import PRESETS
from neft.evaluation import Deployment, DriftCompensation, Recalibration, WriteVerify

HARDWARE = Hardware(PRESETS["RRAM4"])
CORRECTIONS = pytest.mark.parametrize(
    "correction",
    [Recalibration(30), WriteVerify(0.5, images=30), DriftCompensation()],
    ids=lambda c: type(c).__name__,
)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return networks.build("lenet5", classes=3, channels=1, width=0.5, seed=0)


@CORRECTIONS
def test_accuracy_over_chips_is_that_of_the_deployed_logits(
    correction: Deployment, network: nn.Module, tiny: Splits
) -> None:
    settings = {"sigma_d": 0.4, "chips": 6, "key": "test"}
    deploy = correction.prepare(network, tiny.train)
    images, labels = tiny.test.tensors

    def of(logits: Iterable[torch.Tensor]) -> torch.Tensor:
        return torch.stack([accuracy(each, labels) for each in logits])

    plain = accuracy_over_chips(network, tiny.test, HARDWARE, **settings)
    assert torch.equal(plain, of(logits_over_chips(network, images, HARDWARE, **settings)))
    deployed = accuracy_over_chips(network, tiny.test, HARDWARE, **settings, deploy=deploy)
    expected = of(logits_over_chips(network, images, HARDWARE, **settings, deploy=deploy))
    assert torch.equal(deployed, expected)
    assert not torch.equal(deployed, plain)


@CORRECTIONS
def test_a_predicate_holds_from_preparation_and_from_deployment(
    correction: Deployment, network: nn.Module, tiny: Splits
) -> None:
    def convolutions(name: str, layer: nn.Module) -> bool:
        return isinstance(layer, nn.Conv2d)

    chosen = device_weights(network, convolutions).keys()
    parameters = {name for name, _ in network.named_parameters()}
    assert 0 < len(chosen) < len(device_weights(network))
    for early, late in (({"where": convolutions}, {}), ({}, {"where": convolutions})):
        deploy = correction.prepare(network, tiny.train, **early)
        chip = deploy(network, HARDWARE, 0.3, generator=generator("chip", 0), **late)
        assert chip.keys() & parameters == chosen
        assert not any(torch.equal(chip[name], network.get_parameter(name)) for name in chosen)
