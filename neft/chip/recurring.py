"""Recurrent layers whose products pass converters; their gates and states are digital."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import PackedSequence

from neft.chip.converters import Project, Projection

Recurrent = nn.RNN | nn.LSTM | nn.GRU
Cell = nn.RNNCell | nn.LSTMCell | nn.GRUCell
State = tuple[Tensor, ...]
"""The hidden state [sequences, features] and, of an LSTM, the cell state."""
Given = Tensor | State
"""The state as torch's layers take and return it: without a tuple where it is one tensor."""


def recur(
    layer: Recurrent, input: Tensor | PackedSequence, hx: Given | None = None, *, project: Project
) -> tuple[Tensor | PackedSequence, Given]:
    """Compute what the layer does, step by step, with its products as `project` has them.

    Each matrix, W_ih, W_hh and the W_hr of projections, has an array of devices of its own, with
    all gates as columns. The inputs of all steps pass W_ih in one call; the hidden state passes
    W_hh in one call for each step. The arguments and the results are those of torch's layers.
    """
    if isinstance(input, PackedSequence):
        data, sizes, order, back = input
        if hx is not None:
            hx = layer.permute_hidden(hx, order)  # type: ignore[arg-type]
        output, final = _run(layer, data, sizes, hx, project)
        packed = PackedSequence(output, sizes, order, back)
        return packed, layer.permute_hidden(final, back)  # type: ignore[arg-type]
    single = input.dim() == 2
    if single:
        input = input.unsqueeze(0 if layer.batch_first else 1)
        if hx is not None:
            hx = _changed(hx, lambda part: part.unsqueeze(1))
    steps = input.transpose(0, 1) if layer.batch_first else input
    length, count, _ = steps.shape
    output, final = _run(layer, steps.flatten(0, 1), torch.full((length,), count), hx, project)
    output = output.unflatten(0, (length, count))
    if single:
        return output.squeeze(1), _changed(final, lambda part: part.squeeze(1))
    return output.transpose(0, 1) if layer.batch_first else output, final


def step(layer: Cell, input: Tensor, hx: Given | None = None, *, project: Project) -> Given:
    """Compute what a cell does, with its two products as `project` has them."""
    single = input.dim() == 1
    if single:
        input = input.unsqueeze(0)
        if hx is not None:
            hx = _changed(hx, lambda part: part.unsqueeze(0))
    if hx is None:
        zeros = input.new_zeros(len(input), layer.hidden_size)
        hx = (zeros, zeros) if isinstance(layer, nn.LSTMCell) else zeros
    inputs = _product(layer, "ih", input, project)
    new = _given(_step(layer, "", inputs, _state(hx), project))
    return _changed(new, lambda part: part.squeeze(0)) if single else new


def _run(
    layer: Recurrent, data: Tensor, sizes: Tensor, hx: Given | None, project: Project
) -> tuple[Tensor, Given]:
    """Run all layers over packed sequences: step after step, `sizes` of them still running."""
    if hx is None:
        shapes = [layer.get_expected_hidden_size(data, sizes)]
        if isinstance(layer, nn.LSTM):
            shapes.append(layer.get_expected_cell_size(data, sizes))
        hx = _given(tuple(data.new_zeros(shape) for shape in shapes))
    layer.check_forward_args(data, hx, sizes)  # type: ignore[arg-type]
    starts = zip(*_state(hx), strict=True)
    directions = ("", "_reverse") if layer.bidirectional else ("",)
    finals: list[State] = []
    for number in range(layer.num_layers):
        if number:
            data = F.dropout(data, layer.dropout, layer.training)
        outputs = []
        for direction in directions:
            suffix = f"_l{number}{direction}"
            output, final = _one_way(layer, suffix, data, sizes.tolist(), next(starts), project)
            outputs.append(output)
            finals.append(final)
        data = torch.cat(outputs, -1)
    return data, _given(tuple(map(torch.stack, zip(*finals, strict=True))))


def _one_way(
    layer: Recurrent, suffix: str, data: Tensor, sizes: list[int], state: State, project: Project
) -> tuple[Tensor, State]:
    """Run one layer in one direction; sequences that have ended, or not begun, keep their state."""
    inputs = _product(layer, f"ih{suffix}", data, project).split(sizes)
    backward, outputs = suffix.endswith("_reverse"), []
    for each in reversed(inputs) if backward else inputs:
        running = tuple(part[: len(each)] for part in state)
        new = _step(layer, suffix, each, running, project)
        outputs.append(new[0])
        waiting = (part[len(each) :] for part in state)
        state = tuple(map(torch.cat, zip(new, waiting, strict=True)))
    return torch.cat(outputs[::-1] if backward else outputs), state


def _step(
    layer: Recurrent | Cell, suffix: str, inputs: Tensor, state: State, project: Project
) -> State:
    """Return the state after a step, from W_ih x + b_ih of this step."""
    hidden = _product(layer, f"hh{suffix}", state[0], project)
    if isinstance(layer, nn.LSTM | nn.LSTMCell):
        i, f, g, o = (inputs + hidden).chunk(4, -1)
        cell = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        output = o.sigmoid() * cell.tanh()
        if isinstance(layer, nn.LSTM) and layer.proj_size:
            output = _product(layer, f"hr{suffix}", output, project)
        return output, cell
    if isinstance(layer, nn.GRU | nn.GRUCell):
        (r, z, n), (r_h, z_h, n_h) = inputs.chunk(3, -1), hidden.chunk(3, -1)
        new, update = (n + (r + r_h).sigmoid() * n_h).tanh(), (z + z_h).sigmoid()
        return (update * state[0] + (1 - update) * new,)
    activation = torch.tanh if layer.nonlinearity == "tanh" else torch.relu
    return (activation(inputs + hidden),)


def _product(layer: Recurrent | Cell, name: str, input: Tensor, project: Project) -> Tensor:
    """Multiply by one of the matrices that the layer has now, and add its bias."""
    weight, bias = getattr(layer, f"weight_{name}"), getattr(layer, f"bias_{name}", None)
    return project(Projection(weight, bias, f"weight_{name}"), input)


def _state(given: Given) -> State:
    return (given,) if isinstance(given, Tensor) else given


def _given(state: State) -> Given:
    return state if len(state) > 1 else state[0]


def _changed(given: Given, change: Callable[[Tensor], Tensor]) -> Given:
    return _given(tuple(map(change, _state(given))))
