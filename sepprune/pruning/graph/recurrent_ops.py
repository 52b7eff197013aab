"""Recurrent layers as single operations while a module is traced.

With tensors that have no values, torch runs an LSTM step by step, which takes a minute for a second of audio at a
fine hop. During the trace a stand-in operation, which only knows the shapes of its results, replaces the layer. The
real operation replaces the stand-in afterwards. Packing sequences has stand-ins too, since the sizes of the results
follow from the lengths, whose values a trace does not have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx

_SETTINGS = "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional"

#: a function of torch, whatever its arguments
TorchFunction = Callable[..., Any]


#: functions whose results have sizes that follow from their second argument
SIZED: tuple[TorchFunction, ...] = (torch._VF._pack_padded_sequence, torch._VF._pad_packed_sequence)

#: sizes of the two results of these functions, which their stand-ins take as last arguments
_SIZES = "int[] sizes, int[] second_sizes"


@dataclass(frozen=True)
class _StandIns:
    """The registered stand-ins.

    Attributes:
        library: owner of the registered operations, which live as long as this object.
        pairs: stand-in and real operation by the function that torch's layers call.
        packed: the same for layers with packed sequences, and for packing.
    """

    library: torch.library.Library
    pairs: Mapping[TorchFunction, tuple[torch._ops.OpOverloadPacket, torch._ops.OpOverload]]
    packed: Mapping[TorchFunction, tuple[torch._ops.OpOverloadPacket, torch._ops.OpOverload]]


@cache  # torch lets a process register an operation once
def _stand_ins() -> _StandIns:
    library = torch.library.Library("sepprune", "DEF")
    aten, own = torch.ops.aten, torch.ops.sepprune
    pairs, packed = {}, {}
    for name in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        several = name == "lstm"
        state, results = ("Tensor[]", "(Tensor, Tensor, Tensor)") if several else ("Tensor", "(Tensor, Tensor)")
        library.define(f"{name}(Tensor input, {state} hx, {_SETTINGS}, bool batch_first) -> {results}")
        torch.library.register_fake(f"sepprune::{name}", _lstm if several else _one_state)
        library.define(f"packed_{name}(Tensor data, Tensor batch_sizes, {state} hx, {_SETTINGS}) -> {results}")
        torch.library.register_fake(f"sepprune::packed_{name}", _packed_lstm if several else _packed_one_state)
        pairs[getattr(torch._VF, name)] = (getattr(own, name), getattr(aten, name).input)
        packed[getattr(torch._VF, name)] = (getattr(own, f"packed_{name}"), getattr(aten, name).data)
    library.define(f"pack(Tensor input, Tensor lengths, bool batch_first, {_SIZES}) -> (Tensor, Tensor)")
    library.define(
        "unpack(Tensor data, Tensor batch_sizes, bool batch_first, Scalar padding, int total_length, "
        f"{_SIZES}) -> (Tensor, Tensor)"
    )
    for name, function, real in zip(
        ("pack", "unpack"), SIZED, (aten._pack_padded_sequence, aten._pad_packed_sequence), strict=True
    ):
        torch.library.register_fake(f"sepprune::{name}", _sized)
        packed[function] = (getattr(own, name), real.default)
    return _StandIns(library, pairs, packed)


def _sized(data: Tensor, lengths: Tensor, *arguments: Any) -> tuple[Tensor, Tensor]:
    """Results of packing or unpacking without values."""
    return data.new_empty(arguments[-2]), lengths.new_empty(arguments[-1], dtype=torch.int64)


def _lstm(
    data: Tensor,
    hx: list[Tensor],
    params: list[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool = False,  # a packed sequence has no such dimension
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
    batch_first: bool = False,  # a packed sequence has no such dimension
) -> tuple[Tensor, Tensor]:
    """Results of a GRU or an RNN without values."""
    return _output(data, hx.shape[-1], bidirectional, batch_first), hx.new_empty(hx.shape)


def _packed_lstm(data: Tensor, batch_sizes: Tensor, hx: list[Tensor], *settings: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Results of an LSTM on a packed sequence without values."""
    return _lstm(data, hx, *settings)


def _packed_one_state(data: Tensor, batch_sizes: Tensor, hx: Tensor, *settings: Any) -> tuple[Tensor, Tensor]:
    """Results of a GRU or an RNN on a packed sequence without values."""
    return _one_state(data, hx, *settings)


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
    """The function to call instead of a torch function while tracing; ``None`` for anything but a recurrent layer."""
    found = _stand_ins().pairs.get(func)
    if found is None or len(args) != 9:
        return None
    return _stand_ins().packed[func][0] if isinstance(args[3], (list, tuple)) else found[0]


def packed(func: TorchFunction, args: tuple[Any, ...], sizes: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """What one of :data:`SIZED` gives while tracing, with results of these sizes."""
    stand_in = _stand_ins().packed[func][0]
    result: tuple[Tensor, Tensor] = stand_in(*args, *(list(item) for item in sizes))
    return result


def restore(graph_module: fx.GraphModule) -> None:
    """Replace the stand-ins of a graph by the real operations, in place."""
    known = _stand_ins()
    real = {packet.default: target for pairs in (known.pairs, known.packed) for packet, target in pairs.values()}
    for node in graph_module.graph.nodes:
        if node.target in real:
            node.target = real[node.target]
            node.args = node.args[: len(node.target._schema.arguments)]
    graph_module.recompile()
