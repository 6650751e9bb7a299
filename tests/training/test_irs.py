"""Laws of IRS, its heads and its snapshots."""

from itertools import product

import pytest
import torch
from helpers.training import HARDWARE, NETWORKS, noisy, setting
from torch import nn

from neft import networks
from neft._utils.seeding import generator, seeded
from neft.chip import program
from neft.training import IRS
from neft.training.irs import capture
from neft.training.negative_feedback import negative_feedback_loss


def average_pooled(feature: torch.Tensor, size: int) -> torch.Tensor:
    """Adaptive average pooling to `size` in each dimension, window by window, flattened."""
    windows = (
        [slice(i * length // size, -(-(i + 1) * length // size)) for i in range(size)]
        for length in feature.shape[2:]
    )
    means = [feature[:, :, *window].flatten(2).mean(2) for window in product(*windows)]
    return torch.stack(means, dim=2).flatten(1)


@pytest.mark.parametrize(("settings", "hidden"), [({}, 512), ({"hidden": 7}, 7)])
@pytest.mark.parametrize("name", NETWORKS)
def test_irs_loss_equals_heads_written_out(name: str, settings: dict, hidden: int) -> None:
    """Average pooling, linear, ReLU, linear, programmed at sigma_d; the shallowest has gamma_1."""
    net, inputs, labels = setting(name)
    gammas = (0.7, -0.4, 0.2, 0.1)[: len(net.snapshots)]
    method = IRS(3.0, gammas=gammas, **settings)
    heads = method.auxiliary(net, inputs)
    loss = method.loss(noisy(net, 0.3), heads, inputs, labels)
    with capture(net, tuple(net.snapshots)) as taken:
        backbone = noisy(net, 0.3).backbone(inputs)
    draws, feedback = generator("feedback"), []
    for head, (key, size) in zip(heads, net.snapshots.items(), strict=True):
        first, last = program(head, HARDWARE, 0.3, generator=draws).values()
        first_bias, last_bias = (p for p in head.parameters() if p.dim() == 1)
        assert first.shape == (hidden, taken[key].shape[1] * size**2)
        features = average_pooled(taken[key], size) @ first.T + first_bias
        feedback.append(features.clamp(min=0) @ last.T + last_bias)
    expected = negative_feedback_loss(backbone, feedback, labels, beta=3.0, gammas=gammas)
    torch.testing.assert_close(loss, expected)


def test_building_irs_heads_does_not_change_the_network() -> None:
    net, inputs, _ = setting("lenet5")
    net.train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    IRS(beta=0.1).auxiliary(net, inputs)
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


@pytest.mark.parametrize("initialisation", ["torch", "paper"])
def test_heads_start_as_the_network_did(initialisation: str) -> None:
    net = networks.build(
        "lenet5", classes=10, channels=1, width=1, seed=0, initialisation=initialisation
    )
    with seeded("heads"):
        heads = IRS(0.1).auxiliary(net, torch.zeros(1, 1, 32, 32))
    for layer in (layer for layer in heads.modules() if isinstance(layer, nn.Linear)):
        ratio = layer.weight.abs().max() / layer.weight.std()
        assert (ratio < 1.8) == (initialisation == "torch")
        assert layer.bias.any() == (initialisation == "torch")


def test_snapshot_hooks_are_removed_after_an_exception() -> None:
    net, inputs, _ = setting("lenet5")
    with pytest.raises(RuntimeError), capture(net, ("features.pool1",)) as taken:
        raise RuntimeError
    net(inputs)
    assert taken == {}


def test_an_unknown_snapshot_is_refused() -> None:
    net, _, _ = setting("lenet5")
    with (
        pytest.raises(ValueError, match="'features\\.pool9'"),
        capture(net, ("features.pool9",)),
    ):
        pass


class Recurrent(nn.Module):
    """A network with three kinds of features: a sequence, a vector and a pair."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.lstm, self.pool = nn.Conv1d(3, 5, 3), nn.LSTM(5, 4), nn.Flatten()
        self.head = nn.LazyLinear(2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(x)
        self.lstm(x.mT)
        return self.head(self.pool(x))


def test_heads_follow_the_shape_of_their_feature() -> None:
    net, inputs = Recurrent(), torch.randn(4, 3, 9, generator=generator("x"))
    net(inputs)
    labels = torch.tensor([0, 1, 1, 0])
    method = IRS(0.1, snapshots={"conv": 2, "pool": 1}, hidden=8)
    heads = method.auxiliary(net, inputs)
    assert [head[2].in_features for head in heads] == [5 * 2, 5 * 7]
    feature = net.conv(inputs)
    torch.testing.assert_close(heads[0][:2](feature), average_pooled(feature, 2))
    method.loss(noisy(net), heads, inputs, labels).backward()
    assert all(p.grad is not None for p in heads.parameters())


@pytest.mark.parametrize(
    ("network", "method", "said"),
    [
        (Recurrent, IRS(0.1), "snapshots must be given: Recurrent names none"),
        (Recurrent, IRS(0.1, snapshots={"lstm": 1}), "snapshot lstm must be a tensor .* got tuple"),
        (lambda: setting("lenet5")[0], IRS(0.1, gammas=(1, 1)), r"gammas .* snapshots \(3\)"),
    ],
)
def test_snapshots_that_cannot_be_taken_are_refused(network, method: IRS, said: str) -> None:
    net = network()
    inputs = torch.zeros(2, 3, 9) if isinstance(net, Recurrent) else torch.zeros(2, 1, 32, 32)
    net(inputs)
    with pytest.raises(ValueError, match=said):
        method.auxiliary(net, inputs)
