"""Rule for recurrent layers, whose channels are hidden units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from .flow import Arguments, Flow, Labelled, Masked, Product, Rules, Site, shape, size_of
from .labels import Vector
from .masking import along


def _recurrent(flow: Flow, node: fx.Node, args: Arguments) -> list[Labelled] | None:
    """A hidden unit is a row of every gate, a column of the recurrence and an entry of the states."""
    is_lstm = str(node.target).startswith("aten.lstm")
    states, params, directions = args["hx"], args["params"], 2 if args["bidirectional"] else 1
    if not is_lstm:
        states = [states]
    each = len(params) // (args["num_layers"] * directions)
    if not isinstance(params, (list, tuple)) or each != (4 if args["has_biases"] else 2):
        return None  # packed sequences, projections
    hidden_size, gates = shape(params[1])[1], shape(params[1])[0] // shape(params[1])[1]
    data = args["input"]
    data_dims, state_dims = flow.of(data), flow.of(states[0])
    hidden = state_dims[-1]
    for state in states[1:]:
        hidden = flow.tie(node, hidden, flow.of(state)[-1], "hidden and cell state of one unit")
    vectors: list[Vector] = []
    inputs, steps = data_dims[-1], math.prod(shape(data)[:-1])
    for layer in range(args["num_layers"]):
        for direction in range(directions):
            weight_in, weight_back, *biases = params[(layer * directions + direction) * each :][:each]
            flow.note_channels(node, weight_in, 0, 1)
            flow.note_channels(node, weight_back, 0, 1)
            columns = flow.tie(node, inputs, flow.of(weight_in)[1], "a recurrent layer sums over its input")
            hidden = flow.tie(node, hidden, flow.of(weight_back)[1], "a unit and its recurrence")
            for tensor in (weight_in, weight_back, *biases):
                rows = flow.of(tensor)[0]
                for gate in range(gates):
                    part = None if rows is None else rows[gate * hidden_size : (gate + 1) * hidden_size]
                    hidden = flow.tie(node, hidden, part, "gates of one unit")
            vectors += [columns, hidden]
            flow.products.extend(
                Product(node, steps * gates, (size_of(hidden, hidden_size), size_of(vector, size)))
                for vector, size in ((columns, shape(weight_in)[1]), (hidden, hidden_size))
            )
        inputs = hidden if hidden is None or directions == 1 else np.tile(hidden, directions)
    if any(vector is not None for vector in vectors):
        flow.sites[node] = Site(tuple(vectors), _run_recurrent(each))
    state = (*state_dims[:-1], hidden)
    return [(*data_dims[:-1], inputs), *([state] * len(states))]


def _run_recurrent(each: int) -> Masked:
    """Run a recurrent layer with masks for the columns of its two weights, in every cell of ``each`` parameters."""

    def run(target: Any, arguments: Arguments, masks: Sequence[Tensor]) -> Any:
        params = list(arguments["params"])
        for cell, start in enumerate(range(0, len(params), each)):
            for offset in (0, 1):
                params[start + offset] = params[start + offset] * along(masks[2 * cell + offset], params[start], 1)
        with torch.backends.cudnn.flags(enabled=False):  # cuDNN has no backward pass in evaluation mode
            return target(**(arguments | {"params": params}))

    return run


RULES: Rules = dict.fromkeys("lstm gru rnn_tanh rnn_relu".split(), _recurrent)
