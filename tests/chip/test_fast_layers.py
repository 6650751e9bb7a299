"""Laws of fast layers: the layers' own results, and no trace of them afterwards."""

import pytest
import torch
from helpers.training import NETWORKS, setting
from torch import Tensor, nn

from neft import networks
from neft._utils.seeding import generator
from neft.chip import fast_execution, fast_layers


class Pooling(nn.Module):
    """A max pooling, and a parameter that tells the device."""

    def __init__(self, pool: nn.MaxPool2d) -> None:
        super().__init__()
        self.pool, self.scale = pool, nn.Parameter(torch.ones(()))

    def forward(self, features: Tensor) -> Tensor:
        return self.pool(features)


def results(net: nn.Module, features: Tensor, *, fast: bool) -> list[Tensor]:
    """Outputs and gradient in training, outputs in inference."""
    features = features.clone().requires_grad_()
    if not fast:
        outputs = net(features)
        inference = net(features.detach())
    else:
        with fast_layers(net):
            outputs = net(features)
            inference = net(features.detach())
    weights = torch.randn(outputs.shape, generator=generator("weights"))
    (outputs * weights).sum().backward()
    return [outputs.detach(), features.grad, inference]


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(2),
        nn.MaxPool2d((2, 2), stride=(2, 2)),
        nn.MaxPool2d(3),
        nn.MaxPool2d(2, stride=1),
        nn.MaxPool2d(2, padding=1),
        nn.MaxPool2d(2, dilation=2),
        nn.MaxPool2d(2, ceil_mode=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(3, 6, 28, 28), (2, 4, 7, 10), (5, 6, 6)])
def test_max_pooling_is_that_of_torch_to_the_bit(pool: nn.MaxPool2d, shape: tuple) -> None:
    """Of the small integers many are equal: the gradient goes to the same one of them."""
    features = torch.randint(0, 4, shape, generator=generator("features")).float()
    net = Pooling(pool)
    for layout in (features, features.transpose(-1, -2)):
        pairs = zip(*(results(net, layout, fast=fast) for fast in (False, True)), strict=True)
        assert all(torch.equal(own, fast) for own, fast in pairs)


def test_max_pooling_keeps_what_is_not_a_number() -> None:
    features = torch.tensor([[[1.0, float("nan")], [3.0, 2.0]]])
    net = Pooling(nn.MaxPool2d(2))
    with fast_layers(net):
        assert net(features).isnan().all()


@pytest.mark.parametrize("name", NETWORKS)
def test_losses_and_gradients_of_networks_are_their_own(name: str) -> None:
    net, inputs, labels = setting(name)
    found = []
    for fast in (False, True):
        net.zero_grad()
        if fast:
            with fast_layers(net):
                logits = net(inputs)
        else:
            logits = net(inputs)
        nn.functional.cross_entropy(logits, labels).backward()
        found.append([logits.detach(), *(p.grad.clone() for p in net.parameters())])
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_only_narrow_convolutions_in_training_get_channels_last(training: bool) -> None:
    net, inputs, _ = setting("lenet5")
    net.train(training)
    seen: dict[nn.Module, bool] = {}

    def note(layer: nn.Conv2d, inputs: tuple[Tensor]) -> None:
        seen[layer] = inputs[0].stride(1) == 1  # channels last

    narrow, wide = (net.features.get_submodule(name)[0] for name in ("conv1", "conv2"))
    with fast_layers(net):
        handles = [layer.register_forward_pre_hook(note) for layer in (narrow, wide)]
        net(inputs)
    assert (seen[narrow], seen[wide]) == (training, False)
    for handle in handles:
        handle.remove()


def test_nothing_is_left_of_them_after_an_exception() -> None:
    net, inputs, _ = setting("lenet5")
    with pytest.raises(ValueError, match="images must be"), fast_layers(net):
        net(inputs[:, :, :8])
    for layer in net.modules():
        assert not layer._forward_hooks and not layer._forward_pre_hooks
        assert "forward" not in vars(layer)


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_a_few_channels_train_without_corrupted_memory(name: str) -> None:
    """Torch's gradient of strided 1 x 1 convolutions of few channels may not see channels_last."""
    net = networks.build(name, classes=10, channels=3, width=0.02, seed=0)
    inputs, labels = torch.randn(14, 3, 32, 32, generator=generator("x")), torch.arange(14) % 10
    assert fast_execution(net, inputs[:1]).memory_format == torch.contiguous_format
    with fast_layers(net):
        for _ in range(3):
            nn.functional.cross_entropy(net(inputs), labels).backward()
    layers = [nn.Conv2d(3, 16, 1, stride=2), nn.Conv2d(8, 8, 1, stride=2), nn.Conv2d(3, 16, 1)]
    formats = [
        fast_execution(nn.Sequential(layer), torch.ones(1, layer.in_channels, 8, 8)).memory_format
        for layer in layers
    ]
    wide = torch.channels_last
    assert formats == [torch.contiguous_format, wide, wide]
