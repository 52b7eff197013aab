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
    for schema in (
        f"lstm(Tensor input, Tensor[] hx, {_RESULTS}(Tensor, Tensor, Tensor)",
        f"gru(Tensor input, Tensor hx, {_RESULTS}(Tensor, Tensor)",
    ):
        library.define(schema)

    def lstm(
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
        width = hx[0].shape[-1] * (2 if bidirectional else 1)
        return data.new_empty(*data.shape[:-1], width), hx[0].clone(), hx[1].clone()

    def gru(
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
        return data.new_empty(*data.shape[:-1], hx.shape[-1] * (2 if bidirectional else 1)), hx.clone()

    torch.library.register_fake("sepprune::lstm", lstm)
    torch.library.register_fake("sepprune::gru", gru)
    return _StandIns(
        library,
        {
            torch._VF.lstm: (torch.ops.sepprune.lstm, torch.ops.aten.lstm.input),
            torch._VF.gru: (torch.ops.sepprune.gru, torch.ops.aten.gru.input),
        },
    )


def stand_in(func: TorchFunction, args: tuple[Any, ...]) -> TorchFunction | None:
    """The function to call instead of a torch function while tracing.

    ``None`` for anything but a recurrent layer; layers with packed sequences or projections are traced as they are.
    """
    found = _stand_ins().pairs.get(func)
    if found is None or len(args) != 9 or isinstance(args[3], (list, tuple)):
        return None
    states = args[1] if isinstance(args[1], (list, tuple)) else [args[1]]
    return found[0] if states[0].shape[-1] == states[-1].shape[-1] else None


def restore(graph_module: fx.GraphModule) -> None:
    """Replace the stand-ins of a graph by the real operations, in place."""
    real = {packet.default: target for packet, target in _stand_ins().pairs.values()}
    for node in graph_module.graph.nodes:
        if node.target in real:
            node.target = real[node.target]
    graph_module.recompile()
