"""Laws of recurrent layers with converters: torch's layers without them, by hand with them."""

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from neft._utils.seeding import generator, seeded
from neft.chip import (
    Converters,
    Fixed,
    Hardware,
    Learned,
    Percentile,
    calibrate,
    converting,
    device_weights,
    program,
    quantise,
)
from neft.chip.learned_ranges import learned_ranges, set_learned_ranges
from neft.devices import PRESETS

DOUBLE = torch.float64
TILES = Converters(tile_rows=2)
COARSE = Converters(5, 6, Percentile(100), Percentile(100), 2)
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "lstm": lambda: nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True),
    "projected lstm": lambda: nn.LSTM(3, 4, 2, proj_size=2, bidirectional=True),
    "gru": lambda: nn.GRU(3, 4, 2, bidirectional=True, dropout=0.5),
    "gru without bias": lambda: nn.GRU(3, 4, bias=False, batch_first=True),
    "rnn": lambda: nn.RNN(3, 4, 3, dropout=0.3),
    "rnn with relu": lambda: nn.RNN(3, 4, nonlinearity="relu", bidirectional=True),
}
CELLS: dict[str, Callable[[], nn.Module]] = {
    "lstm": lambda: nn.LSTMCell(3, 4),
    "gru": lambda: nn.GRUCell(3, 4),
    "rnn": lambda: nn.RNNCell(3, 4, bias=False),
    "rnn with relu": lambda: nn.RNNCell(3, 4, nonlinearity="relu"),
}


def made(kind: str, make: Callable[[], nn.Module]) -> nn.Module:
    with seeded("recurring", kind):
        return make().double()


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=generator("inputs", *shape), dtype=DOUBLE)


def inputs_of(form: str) -> Tensor | PackedSequence:
    """Two sequences of 5 steps, one sequence alone, or three of different lengths."""
    if form == "packed":
        sequences = [normal(length, 3) for length in (2, 5, 3)]
        return pack_sequence(sequences, enforce_sorted=False)
    return normal(5, 3) if form == "single" else normal(2, 5, 3)


def start_of(layer: nn.Module, inputs: Tensor | PackedSequence) -> Tensor | tuple[Tensor, Tensor]:
    """A state to begin with that is not 0."""
    with torch.no_grad():
        state = layer(inputs)[1]
    if isinstance(state, tuple):
        return tuple(normal(*part.shape) for part in state)
    return normal(*state.shape)


def flat(found: object) -> list[Tensor]:
    """All tensors of a layer's outputs and states."""
    parts = found if isinstance(found, tuple) else (found,)
    nested = [[p] if isinstance(p, Tensor) else flat(p) for p in parts if p is not None]
    return [tensor for each in nested for tensor in each]


def without_converters(layer: nn.Module) -> dict[str, dict[str, float]]:
    return {name: {} for name in device_weights(layer)}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("form", ["batch", "single", "packed"])
@pytest.mark.parametrize("given", [False, True], ids=["from 0", "from a state"])
def test_tiles_without_converters_add_up_to_the_layer_in_training(
    name: str, form: str, given: bool
) -> None:
    """Dropout between layers draws as torch's does: the same generator state, the same mask."""
    layer, inputs = made(name, LAYERS[name]), inputs_of(form)
    start = (start_of(layer, inputs),) if given else ()
    with seeded("dropout"):
        expected = layer(inputs, *start)
    with converting(layer, TILES, without_converters(layer)), seeded("dropout"):
        found = layer(inputs, *start)
    assert type(found[0]) is type(expected[0]) and type(found[1]) is type(expected[1])
    torch.testing.assert_close(flat(found), flat(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("shape", [(3,), (2, 3)])
def test_tiles_without_converters_add_up_to_the_cell(name: str, shape: tuple[int, ...]) -> None:
    cell, inputs = made(name, CELLS[name]), normal(*shape)
    first = cell(inputs)
    expected = cell(inputs, first)
    with converting(cell, TILES, without_converters(cell)):
        found = cell(inputs, cell(inputs))
    assert type(found) is type(expected)
    torch.testing.assert_close(flat(found), flat(expected), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_those_of_the_layer_where_steps_are_small(name: str) -> None:
    layer, inputs = made(name, LAYERS[name]).eval(), inputs_of("batch").requires_grad_()
    fine = Converters(30, 30, Fixed(50), Fixed(50), 2)
    ranges = {weight: {"input": 50.0, "output": 50.0} for weight in device_weights(layer)}
    expected = torch.autograd.grad(layer(inputs)[0].square().sum(), [inputs, *layer.parameters()])
    with converting(layer, fine, ranges):
        loss = layer(inputs)[0].square().sum()
        found = torch.autograd.grad(loss, [inputs, *layer.parameters()])
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def through(weight: Tensor, x: Tensor, bounds: dict[str, float]) -> Tensor:
    """A matrix times one vector, through DACs of 5 bits and ADCs of 6 bits of tiles of 2 rows."""
    total = torch.zeros(len(weight), dtype=DOUBLE)
    for first in range(0, weight.shape[1], 2):
        rows = slice(first, first + 2)
        tile = weight[:, rows] @ quantise(x[rows], 5, bounds["input"])
        total = total + quantise(tile, 6, bounds["output"])
    return total


def lstm_by_hand(layer: nn.LSTM, sequence: Tensor, end: str, ranges: dict) -> list[Tensor]:
    """The outputs of one sequence in one direction, gate by gate of torch's definition."""
    h, c = torch.zeros(layer.proj_size, dtype=DOUBLE), torch.zeros(4, dtype=DOUBLE)
    get, outputs = layer.get_parameter, []
    for x in sequence.flip(0) if end.endswith("reverse") else sequence:
        gates = get(f"bias_ih{end}") + get(f"bias_hh{end}")
        for name, signal in ((f"weight_ih{end}", x), (f"weight_hh{end}", h)):
            gates = gates + through(get(name), signal, ranges[name])
        i, f, g, o = gates.split(4)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        name = f"weight_hr{end}"
        h = through(get(name), torch.sigmoid(o) * torch.tanh(c), ranges[name])
        outputs.append(h)
    return outputs[::-1] if end.endswith("reverse") else outputs


def test_every_matrix_passes_its_own_converters_at_every_step() -> None:
    layer = made("by hand", lambda: nn.LSTM(3, 4, proj_size=3, bidirectional=True))
    sequences = [normal(length, 3) for length in (2, 4, 3)]
    packed = pack_sequence(sequences, enforce_sorted=False)
    ranges = {
        name: {"input": 1.5 + 0.1 * i, "output": 0.7 + 0.1 * i}
        for i, name in enumerate(device_weights(layer))
    }
    assert len(ranges) == 6
    with converting(layer, Converters(5, 6, Fixed(1), Fixed(1), 2), ranges):
        found, lengths = nn.utils.rnn.pad_packed_sequence(layer(packed)[0])
    for i, sequence in enumerate(sequences):
        both = [lstm_by_hand(layer, sequence, end, ranges) for end in ("_l0", "_l0_reverse")]
        expected = torch.stack([torch.cat(pair) for pair in zip(*both, strict=True)])
        torch.testing.assert_close(found[: lengths[i], i], expected)


def test_a_gru_cell_passes_its_converters_by_hand() -> None:
    cell, x, h = made("gru", CELLS["gru"]), normal(3), normal(4)
    ranges = {
        "weight_ih": {"input": 1.5, "output": 0.7},
        "weight_hh": {"input": 1.2, "output": 0.9},
    }
    r, z, n = (through(cell.weight_ih, x, ranges["weight_ih"]) + cell.bias_ih).split(4)
    r_h, z_h, n_h = (through(cell.weight_hh, h, ranges["weight_hh"]) + cell.bias_hh).split(4)
    new, update = torch.tanh(n + torch.sigmoid(r + r_h) * n_h), torch.sigmoid(z + z_h)
    with converting(cell, Converters(5, 6, Fixed(1), Fixed(1), 2), ranges):
        torch.testing.assert_close(cell(x, h), (1 - update) * new + update * h)


class Last(nn.Module):
    """A recurrent layer and a linear layer for its last output."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(4, 2)

    def forward(self, sequences: Tensor) -> Tensor:
        return self.head(self.layer(sequences)[0][:, -1])


def last(batch_first: bool = True) -> tuple[Last, Tensor]:
    with seeded("last"):
        net = Last(nn.LSTM(3, 4, batch_first=batch_first)).double().eval()
    return net, normal(6, 5, 3)


@torch.no_grad()
def test_weights_of_a_chip_are_those_that_are_used_with_converters_and_without() -> None:
    """And the layer's own afterwards, although torch keeps a list of a layer's weights."""
    net, inputs = last()
    chip = program(net, Hardware(PRESETS["RRAM1"]), 0.2, generator=generator("chip"))
    other = copy.deepcopy(net)
    for name, weight in chip.items():
        other.get_parameter(name).copy_(weight)
    ranges, plain = calibrate(net, inputs, COARSE), net(inputs)
    for converters, found_ranges in ((COARSE, ranges), (Converters(), {})):
        with converting(net, converters, found_ranges):
            found, own = torch.func.functional_call(net, chip, (inputs,)), net(inputs)
            copied = copy.deepcopy(net)
        with converting(other, converters, found_ranges):
            torch.testing.assert_close(found, other(inputs), rtol=1e-12, atol=1e-12)
        assert torch.equal(copied(inputs), own) and not torch.equal(found, own)
        assert torch.equal(net(inputs), plain) and "forward" not in vars(net.layer)
        assert torch.equal(own, plain) == converters.exact


@torch.no_grad()
def test_many_bits_approach_the_layer() -> None:
    net, inputs = last()
    errors = []
    for bits in (6, 12, 24):
        converters = Converters(bits, bits, Percentile(100), Percentile(100), 2)
        with converting(net, converters, calibrate(net, inputs, converters)):
            coarse = net(inputs)
        errors.append((coarse - net(inputs)).abs().max().item())
    assert errors[0] > 2**4 * errors[1] > 2**12 * errors[2] > 0


@torch.no_grad()
def test_each_weight_has_its_own_ranges_and_a_state_the_widest_of_its_steps() -> None:
    net, inputs = last()
    ranges = calibrate(net, inputs, Converters(20, None, Percentile(100)))
    assert list(ranges) == ["layer.weight_ih_l0", "layer.weight_hh_l0", "head"]
    states = net.layer(inputs)[0]
    expected = [inputs, states[:, :-1], states[:, -1]]
    assert [each["input"] for each in ranges.values()] == pytest.approx(
        [signal.abs().max().item() for signal in expected], rel=1e-4
    )
    assert ranges["layer.weight_hh_l0"]["input"] < 1  # although it begins with 0
    one = calibrate(net, inputs[:, :1], COARSE)["layer.weight_hh_l0"]
    assert one == {"input": 1.0, "output": 1.0}  # of a state that is 0 and nothing else


def test_a_weight_that_is_digital_has_no_converters() -> None:
    net, inputs = last()

    def outer(name: str, layer: nn.Module) -> bool:
        return name == "layer.weight_ih_l0"

    ranges = calibrate(net, inputs, COARSE, where=outer)
    assert list(ranges) == ["layer.weight_ih_l0"]
    huge = {"layer.weight_ih_l0": {"input": 5.0, "output": 50.0}}
    fine = Converters(30, 30, Percentile(100), Percentile(100))
    with converting(net, fine, huge, where=outer):
        torch.testing.assert_close(net(inputs), last()[0](inputs), rtol=1e-5, atol=1e-5)
    coarse = Converters(2, None, Percentile(100))
    with converting(net, coarse, huge, where=outer):
        assert torch.equal(net(inputs), net(quantise(inputs, 2, 5.0)))


def test_ranges_are_learned_and_kept_by_the_weight() -> None:
    net, inputs = last()
    converters = Converters(6, None, Learned(start=1.0))
    start = calibrate(net, inputs, converters)
    bounds = {
        name: torch.tensor(each["input"], dtype=DOUBLE).requires_grad_()
        for name, each in start.items()
    }
    with converting(net, converters, start, learning=bounds):
        net(inputs).square().sum().backward()
    assert all(bound.grad != 0 for bound in bounds.values())
    learned = {"layer.weight_hh_l0": 0.3, "head": 0.7}
    set_learned_ranges(net, learned)
    assert learned_ranges(net) == learned_ranges(copy.deepcopy(net)) == learned
    found = calibrate(net, inputs, converters)
    assert {name: found[name]["input"] for name in learned} == learned
    assert found["layer.weight_ih_l0"] == start["layer.weight_ih_l0"]
    with pytest.raises(ValueError, match=r"must be of a layer, got 'layer\.weight_ih_l1'"):
        set_learned_ranges(net, {"layer.weight_ih_l1": 1.0})


@pytest.mark.parametrize("name", LAYERS)
def test_inputs_that_torch_refuses_are_refused(name: str) -> None:
    layer = made(name, LAYERS[name])
    with converting(layer, TILES, without_converters(layer)):
        with pytest.raises(RuntimeError, match="must be equal to input_size"):
            layer(normal(2, 5, 4))
        with pytest.raises(ValueError, match="dtype"):
            layer(normal(2, 5, 3).float())
