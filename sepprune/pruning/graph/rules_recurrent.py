"""Rules for recurrent layers and cells, whose channels are hidden units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from .flow import Arguments, Flow, Labelled, Masked, Product, Rules, Site, shape, size_of
from .labels import Vector
from .masking import along


@dataclass(frozen=True)
class _Cell:
    """Parameters of one layer and direction.

    Attributes:
        into: weight of the input, ``(gates * hidden, inputs)``.
        back: weight of the recurrence, ``(gates * hidden, hidden or projected)``.
        biases: none or two, ``(gates * hidden,)``.
        projection: ``(projected, hidden)`` of an LSTM with ``proj_size``.
    """

    into: fx.Node
    back: fx.Node
    biases: Sequence[fx.Node]
    projection: fx.Node | None = None


@dataclass(frozen=True)
class _Units:
    """Labels of the hidden units, and of what a cell returns: the same, or their projection."""

    hidden: Vector
    returned: Vector


def _recurrent(flow: Flow, node: fx.Node, args: Arguments) -> list[Labelled]:
    """A recurrent layer, of a packed sequence too. All of its layers and directions have one width."""
    params, directions = args["params"], 2 if args["bidirectional"] else 1
    states = args["hx"] if isinstance(args["hx"], (list, tuple)) else [args["hx"]]
    each = len(params) // (args["num_layers"] * directions)
    biases = 2 if args["has_biases"] else 0
    projected = each == 3 + biases
    cells = [_cell_of(params[start : start + each], biases) for start in range(0, len(params), each)]
    data = args["input"] if "input" in args else args["data"]
    units, inputs = _states(flow, node, states, projected), flow.of(data)[-1]
    vectors: list[Vector] = []
    for layer in range(args["num_layers"]):
        for cell in cells[layer * directions : (layer + 1) * directions]:
            units, columns = _cell(flow, node, cell, units, inputs, math.prod(shape(data)[:-1]))
            vectors += [columns, units.returned, *([units.hidden] if projected else [])]
        inputs = units.returned
        inputs = inputs if inputs is None or directions == 1 else np.tile(inputs, directions)
    masked = [start + offset for start in range(0, len(params), each) for offset in (0, 1, each - 1)[: 2 + projected]]
    if any(vector is not None for vector in vectors):
        flow.sites[node] = Site(tuple(vectors), _run_recurrent(masked))
    last = (units.returned, units.hidden)
    dims = [(*flow.of(state)[:-1], vector) for state, vector in zip(states, last, strict=False)]
    return [(*flow.of(data)[:-1], inputs), *dims]


def _cell_of(params: Sequence[fx.Node], biases: int) -> _Cell:
    into, back, *rest = params
    return _Cell(into, back, rest[:biases], rest[biases] if len(rest) > biases else None)


def _recurrent_cell(flow: Flow, node: fx.Node, args: Arguments) -> Labelled:
    """One step of a recurrent layer, as ``nn.LSTMCell`` takes it."""
    states = args["hx"] if isinstance(args["hx"], (list, tuple)) else [args["hx"]]
    biases = [args[name] for name in ("b_ih", "b_hh") if args[name] is not None]
    data, cell = args["input"], _Cell(args["w_ih"], args["w_hh"], biases)
    units = _states(flow, node, states, False)
    units, columns = _cell(flow, node, cell, units, flow.of(data)[-1], math.prod(shape(data)[:-1]))
    if columns is not None or units.hidden is not None:
        flow.sites[node] = Site((columns, units.hidden), _run_cell)
    dims: list[Labelled] = [(*flow.of(data)[:-1], units.hidden)] * len(states)
    return dims if isinstance(node.meta["val"], (tuple, list)) else dims[0]


def _states(flow: Flow, node: fx.Node, states: Sequence[fx.Node], projected: bool) -> _Units:
    """Labels of the units of the initial states: the hidden state, and an LSTM's cell state."""
    returned = flow.of(states[0])[-1]
    if projected:
        return _Units(flow.of(states[1])[-1], returned)
    for state in states[1:]:
        returned = flow.tie(node, returned, flow.of(state)[-1], "hidden and cell state of one unit")
    return _Units(returned, returned)


def _cell(flow: Flow, node: fx.Node, cell: _Cell, units: _Units, inputs: Vector, steps: int) -> tuple[_Units, Vector]:
    """A hidden unit is a row of every gate, an entry of the states, and a column of the recurrence or projection.

    Returns:
        The units, and the columns of the input's weight.
    """
    hidden, returned = units.hidden, units.returned
    width = shape(cell.back)[1] if cell.projection is None else shape(cell.projection)[1]
    gates = shape(cell.back)[0] // width
    flow.note_channels(node, cell.into, 0, 1, made=(0,))
    flow.note_channels(node, cell.back, 0, 1, made=(0,))
    columns = flow.tie(node, inputs, flow.of(cell.into)[1], "a recurrent layer sums over its input")
    returned = flow.tie(node, returned, flow.of(cell.back)[1], "a unit and its recurrence")
    if cell.projection is None:
        hidden = returned
    else:
        flow.note_channels(node, cell.projection, 0, 1, made=(0,))
        returned = flow.tie(node, returned, flow.of(cell.projection)[0], "a projected unit and its recurrence")
        hidden = flow.tie(node, hidden, flow.of(cell.projection)[1], "a projection sums over these units")
    for tensor in (cell.into, cell.back, *cell.biases):
        rows = flow.of(tensor)[0]
        for gate in range(gates):
            part = None if rows is None else rows[gate * width : (gate + 1) * width]
            hidden = flow.tie(node, hidden, part, "gates of one unit")
    if cell.projection is None:
        returned = hidden
    hidden_size, back_size = size_of(hidden, width), size_of(returned, shape(cell.back)[1])
    flow.products.append(Product(node, steps * gates, (hidden_size, size_of(columns, shape(cell.into)[1]))))
    flow.products.append(Product(node, steps * gates, (hidden_size, back_size)))
    if cell.projection is not None:
        flow.products.append(Product(node, steps, (hidden_size, back_size)))
    return _Units(hidden, returned), columns


def _pack(flow: Flow, node: fx.Node, args: Arguments) -> list[Labelled]:
    """The steps of all sequences in one dimension."""
    dims = flow.of(args["input"])
    flow.freeze(node, dims[:2], "these are sequences and their steps, which are packed")
    return [(None, *dims[2:]), (None,)]


def _unpack(flow: Flow, node: fx.Node, args: Arguments) -> list[Labelled]:
    dims = flow.of(args["data"])
    flow.freeze(node, dims[0], "these are the steps of packed sequences")
    return [(None, None, *dims[1:]), (None,)]


def _run_recurrent(masked: Sequence[int]) -> Masked:
    """Run a recurrent layer with masks for the columns of these parameters."""

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        params = list(arguments["params"])
        for index, mask in zip(masked, masks, strict=True):
            params[index] = params[index] * along(mask, params[index], 1)
        with torch.backends.cudnn.flags(enabled=False):  # cuDNN has no backward pass in evaluation mode
            return target(**(arguments | {"params": params}))

    return run


def _run_cell(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
    weights = {
        name: arguments[name] * along(mask, arguments[name], 1)
        for name, mask in zip(("w_ih", "w_hh"), masks, strict=True)
    }
    return target(**(arguments | weights))


RULES: Rules = {
    **dict.fromkeys("lstm gru rnn_tanh rnn_relu".split(), _recurrent),
    "_pack_padded_sequence": _pack,
    "_pad_packed_sequence": _unpack,
    **dict.fromkeys("lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell".split(), _recurrent_cell),
}
