"""Recurrent layers as single operations while a module is traced.

With tensors that have no values, torch runs an LSTM step by step, which takes a minute for a second of audio at a
fine hop. Stand-in operations that only know the shapes of their results take its place in the trace and are replaced
by the real operation afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx

_RESULTS = (
    "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, "
    "bool batch_first) -> "
)


@cache
def stand_ins() -> dict[Callable, tuple[Callable, torch._ops.OpOverload]]:
    """Stand-in and real operation by the function that torch's layers call; they are registered on first use."""
    library = torch.library.Library("sepprune", "DEF")
    library.define(f"lstm(Tensor input, Tensor[] hx, {_RESULTS}(Tensor, Tensor, Tensor)")
    library.define(f"gru(Tensor input, Tensor hx, {_RESULTS}(Tensor, Tensor)")
    _keep.append(library)

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
    return {
        torch._VF.lstm: (torch.ops.sepprune.lstm, torch.ops.aten.lstm.input),
        torch._VF.gru: (torch.ops.sepprune.gru, torch.ops.aten.gru.input),
    }


#: registered operations live as long as their library object
_keep: list[torch.library.Library] = []


def stand_in(func: Callable, args: tuple) -> Callable | None:
    """What to call in the place of a torch function while tracing.

    ``None`` for anything but a recurrent layer; layers with packed sequences or projections are traced as they are.
    """
    found = stand_ins().get(func)
    if found is None or len(args) != 9 or isinstance(args[3], (list, tuple)):
        return None
    states = args[1] if isinstance(args[1], (list, tuple)) else [args[1]]
    return found[0] if states[0].shape[-1] == states[-1].shape[-1] else None


def restore(graph_module: fx.GraphModule) -> None:
    """Put the real operations back, in place."""
    real: dict[Any, torch._ops.OpOverload] = {op.default: target for op, target in stand_ins().values()}
    for node in graph_module.graph.nodes:
        if node.target in real:
            node.target = real[node.target]
    graph_module.recompile()
