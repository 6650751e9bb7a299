"""Laws of IRS and of the snapshots that it takes."""

import math

import pytest
import torch
from helpers.training import NETWORKS, noisy, setting
from torch import nn

from neft._utils.seeding import generator
from neft.training.irs import IRS, capture


@pytest.mark.parametrize("name", NETWORKS)
def test_irs_heads_pool_to_the_networks_sizes_and_end_in_its_classes(name: str) -> None:
    net, inputs, _ = setting(name)
    heads = IRS(beta=0.1, hidden=7).auxiliary(net, inputs)
    with capture(net, tuple(net.snapshots)) as taken:
        net(inputs)
    assert len(heads) == len(net.snapshots)
    for head, (key, size) in zip(heads, net.snapshots.items(), strict=True):
        assert head[2].in_features == taken[key].shape[1] * size**2
        assert head(taken[key]).shape == (len(inputs), 10)


def test_building_irs_heads_leaves_the_network_as_it_was() -> None:
    net, inputs, _ = setting("lenet5")
    net.train()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    IRS(beta=0.1).auxiliary(net, inputs)
    assert net.training
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


def test_irs_trains_heads_and_backbone() -> None:
    net, inputs, labels = setting("lenet5")
    method = IRS(beta=0.1, hidden=16)
    heads = method.auxiliary(net, inputs)
    method.loss(noisy(net), heads, inputs, labels).backward()
    assert all(p.grad is not None for p in [*net.parameters(), *heads.parameters()])


def test_snapshot_hooks_are_gone_after_an_exception() -> None:
    net, inputs, _ = setting("lenet5")
    with pytest.raises(RuntimeError), capture(net, ("features.pool1",)) as taken:
        raise RuntimeError
    net(inputs)
    assert taken == {}


def test_unknown_snapshot_is_refused() -> None:
    net, _, _ = setting("lenet5")
    with (
        pytest.raises(ValueError, match="'features\\.pool9'"),
        capture(net, ("features.pool9",)),
    ):
        pass


class Recurrent(nn.Module):
    """A network of features of every kind: a sequence, a vector, and a pair."""

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


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: IRS(0.1, hidden=0), "hidden must be positive"),
        (lambda: IRS(0.1, snapshots={}), "snapshots must not be empty"),
        (lambda: IRS(0.1, snapshots={"a": 0}), "snapshots.a must be positive and finite, got 0"),
        (lambda: IRS(0.1, snapshots={"a": 1}, gammas=(1, 1)), r"gammas .* snapshots \(1\)"),
        (lambda: IRS(math.inf), "beta must be non-negative and finite, got inf"),
    ],
)
def test_impossible_settings_are_refused(make, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()
