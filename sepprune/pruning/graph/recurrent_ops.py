"""Recurrent layers as single operations while a module is traced.

With tensors that have no values, torch runs an LSTM step by step, which takes a minute for a second of audio at a
fine hop. During the trace a stand-in operation, which only knows the shapes of its results, replaces the layer. The
real operation replaces the stand-in afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx

_RESULTS = (
    "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, "
    "bool batch_first) -> "
)

#: a function of torch, whatever its arguments
TorchFunction = Callable[..., Any]


@dataclass(frozen=True)
class _StandIns:
    """The registered stand-ins.

    Attributes:
        library: owner of the registered operations, which live as long as this object.
        pairs: stand-in and real operation by the function that torch's layers call.
    """

    library: torch.library.Library
    pairs: Mapping[TorchFunction, tuple[torch._ops.OpOverloadPacket, torch._ops.OpOverload]]


@cache  # torch lets a process register an operation once
def _stand_ins() -> _StandIns:
    library = torch.library.Library("sepprune", "DEF")
    library.define(f"lstm(Tensor input, Tensor[] hx, {_RESULTS}(Tensor, Tensor, Tensor)")
    torch.library.register_fake("sepprune::lstm", _lstm)
    pairs = {torch._VF.lstm: (torch.ops.sepprune.lstm, torch.ops.aten.lstm.input)}
    for name in ("gru", "rnn_tanh", "rnn_relu"):
        library.define(f"{name}(Tensor input, Tensor hx, {_RESULTS}(Tensor, Tensor)")
        torch.library.register_fake(f"sepprune::{name}", _one_state)
        pairs[getattr(torch._VF, name)] = (getattr(torch.ops.sepprune, name), getattr(torch.ops.aten, name).input)
    return _StandIns(library, pairs)


def _lstm(
    data: Tensor,
    hx: list[Tensor],
    params: list[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Results of an LSTM without values; with projections the two states differ in width."""
    output = _output(data, hx[0].shape[-1], bidirectional, batch_first)
    return output, hx[0].new_empty(hx[0].shape), hx[1].new_empty(hx[1].shape)


def _one_state(
    data: Tensor,
    hx: Tensor,
    params: list[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, Tensor]:
    """Results of a GRU or an RNN without values."""
    return _output(data, hx.shape[-1], bidirectional, batch_first), hx.new_empty(hx.shape)


def _output(data: Tensor, width: int, bidirectional: bool, batch_first: bool) -> Tensor:
    """The output sequence in the memory layout that torch gives it, which is time-major in either case.

    ``contiguous`` is only recorded in the graph where the layout needs it.
    """
    width = 2 * width if bidirectional else width
    if not batch_first:
        return data.new_empty(*data.shape[:-1], width)
    batch, steps = data.shape[:2]
    return data.new_empty(steps, batch, width).transpose(0, 1)


def stand_in(func: TorchFunction, args: tuple[Any, ...]) -> TorchFunction | None:
    """The function to call instead of a torch function while tracing.

    ``None`` for anything but a recurrent layer; layers with packed sequences are traced as they are.
    """
    found = _stand_ins().pairs.get(func)
    return None if found is None or len(args) != 9 or isinstance(args[3], (list, tuple)) else found[0]


def restore(graph_module: fx.GraphModule) -> None:
    """Replace the stand-ins of a graph by the real operations, in place."""
    real = {packet.default: target for packet, target in _stand_ins().pairs.values()}
    for node in graph_module.graph.nodes:
        if node.target in real:
            node.target = real[node.target]
    graph_module.recompile()
