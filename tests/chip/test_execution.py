"""Laws of how networks are run: formats and batches that change the speed and nothing else."""

import pytest
import torch
from helpers.training import setting
from torch import Tensor, nn

from neft.chip import Execution, fast_execution
from neft.chip.execution import CACHE, LEAST


class Viewing(nn.Module):
    """A convolution whose output is flattened by `view`, which demands contiguous features."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.linear = nn.Conv2d(3, 16, 3), nn.Linear(16 * 6 * 6, 4)

    def forward(self, images: Tensor) -> Tensor:
        features = self.convolution(images)
        return self.linear(features.view(len(features), -1))


class Strided(Viewing):
    """The same, but it reads memory in the order that it takes for granted."""

    def forward(self, images: Tensor) -> Tensor:
        features = self.convolution(images)
        return self.linear(features.as_strided((len(features), 576), (576, 1)))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lenet5", torch.contiguous_format),  # its first convolution has 6 output channels
        ("vgg8", torch.channels_last),
        ("resnet18", torch.channels_last),
    ],
)
def test_networks_of_wide_convolutions_run_in_channels_last(
    name: str, expected: torch.memory_format
) -> None:
    net, inputs, _ = setting(name)
    found = fast_execution(net, inputs[:1])
    assert found.memory_format == expected
    assert found == fast_execution(net, inputs[1:2])
    (batch,) = found.batches(inputs)
    assert batch.is_contiguous(memory_format=expected)
    torch.testing.assert_close(net.eval()(batch), net(inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [Viewing, Strided])
def test_a_network_that_demands_contiguous_features_gets_them(kind: type[nn.Module]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        net, images = kind(), torch.randn(1, 3, 8, 8)
    assert fast_execution(net, images).memory_format == torch.contiguous_format


def test_inputs_of_other_shapes_have_one_format() -> None:
    found = fast_execution(nn.Linear(5, 2), torch.ones(1, 5))
    assert found.memory_format == torch.contiguous_format
    assert [len(batch) for batch in found.batches(torch.ones(3, 5))] == [3]
    batches = Execution(torch.channels_last, 2).batches(torch.ones(3, 5))
    assert torch.equal(torch.cat(batches), torch.ones(3, 5))


@pytest.mark.parametrize("hidden", [10, 100_000, 10_000_000])
def test_the_largest_layer_of_a_batch_fits_the_cache(hidden: int) -> None:
    with torch.device("meta"):
        middle = nn.Linear(1, 1)
    middle.forward = lambda x: x.new_zeros(1, hidden)
    net = nn.Sequential(nn.Linear(4, 1), middle)
    expected = max(LEAST, CACHE // (4 * (1 + hidden)))
    net[1].weight, net[1].bias = None, None
    assert fast_execution(net, torch.ones(1, 4)).batch_size == min(expected, CACHE // (4 * 5))


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        Execution(torch.contiguous_format, 0)
