"""A level as ONNX files, traced by torch: one graph for a step, one for the upkeep at the ends of segments."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from ..separators.base import CausalSeparator, State
from .ladder import Ladder, Level


class _Graph(nn.Module):
    """Tensors in, tensors out, the separator's state as one row of numbers.

    A call of a compiled graph costs about as much for an input or an output as for a layer, so there are few. The past
    of the mixture is no part of the state: the caller keeps it and shifts it in place, a graph would copy it twice.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    example: tuple[Tensor, ...]

    def __init__(self, separator: CausalSeparator) -> None:
        super().__init__()
        self.separator = separator
        past, *state = separator.initial_state(1)
        self.past = past
        self.shapes = [tensor.shape for tensor in state]
        self.state = torch.zeros(1, sum(tensor.numel() for tensor in state))

    def unpack(self, state: Tensor) -> State:
        """The tensors of the state. Empty ones, of pruned parts, are in no graph: runtimes know no empty tensors."""
        sizes = [shape.numel() for shape in self.shapes if shape.numel()]
        pieces = iter(torch.split(state, sizes, dim=1))
        return tuple(next(pieces).reshape(shape) if shape.numel() else state.new_zeros(shape) for shape in self.shapes)

    def pack(self, state: State) -> Tensor:
        return torch.cat([tensor.reshape(1, -1) for tensor in state if tensor.numel()], dim=1)


class StepGraph(_Graph):
    """A separator's step for one fixed chunk.

    Shape:
        - signal: ``(1, past + samples)``, the chunk after the samples that came before it
        - state: ``(1, numbers)``, zeros at the start
        - new_state: ``(1, carried)``, the first numbers of the state; a step leaves the others as they are
        - sources: ``(1, sources, samples)``
    """

    inputs, outputs = ("signal", "state"), ("sources", "new_state")

    def __init__(self, separator: CausalSeparator, samples: int) -> None:
        super().__init__(separator)
        self.example = (torch.zeros(1, separator.past + samples), self.state)
        before = self.unpack(self.state)
        _, after = separator.separate(self.example[0], before)
        self.carried = 1 + max(index for index, tensor in enumerate(after) if tensor is not before[index])

    def forward(self, signal: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        sources, after = self.separator.separate(signal, self.unpack(state))
        return sources, self.pack(after[: self.carried])


class EndGraph(_Graph):
    """A separator's upkeep at the end of a segment.

    Shape:
        - state, new_state: ``(1, numbers)``
    """

    inputs, outputs = ("state",), ("new_state",)

    def __init__(self, separator: CausalSeparator) -> None:
        super().__init__(separator)
        self.example = (self.state,)

    def forward(self, state: Tensor) -> Tensor:
        return self.pack(self.separator.end_segment((self.past, *self.unpack(state)))[1:])


class UnrolledLSTM(nn.Module):
    """An LSTM of one layer as matrix products, frame by frame.

    Left to converters, an LSTM becomes a loop or a chain of indexing that costs more than its arithmetic.

    Shape:
        - as :class:`torch.nn.LSTM`, batch first
    """

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        if not lstm.batch_first or lstm.num_layers != 1 or lstm.bidirectional or lstm.proj_size:
            raise ValueError(f"{lstm} cannot be converted: only an LSTM of one layer, batch first, one direction")
        self.hidden_size = lstm.hidden_size
        self.bias = nn.Parameter(lstm.get_parameter("bias_ih_l0") + lstm.get_parameter("bias_hh_l0"))
        self.input_weight = lstm.get_parameter("weight_ih_l0")
        self.recurrent = nn.Linear(lstm.hidden_size, 4 * lstm.hidden_size, bias=False)
        self.recurrent.weight = lstm.get_parameter("weight_hh_l0")

    def forward(self, sequence: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        hidden, cell = (tensor.squeeze(0) for tensor in state)  # indexing would stay in the graph as a gather
        if sequence.shape[-1]:
            driven = nn.functional.linear(sequence, self.input_weight, self.bias).unbind(1)
        else:  # its input was pruned away
            driven = (self.bias,) * sequence.shape[1]
        outputs = []
        for frame in range(sequence.shape[1]):
            gates = driven[frame] + self.recurrent(hidden)
            enter, forget, candidate, leave = gates.chunk(4, dim=1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
            hidden = leave.sigmoid() * cell.tanh()
            outputs.append(hidden)
        return torch.stack(outputs, dim=1), (hidden.unsqueeze(0), cell.unsqueeze(0))


@torch.no_grad()
def unrolled(separator: CausalSeparator) -> CausalSeparator:
    """The separator, changed in place: its LSTMs are :class:`UnrolledLSTM`."""
    for name, part in list(separator.named_modules()):
        if isinstance(part, nn.LSTM):
            parent, _, child = name.rpartition(".")
            setattr(separator.get_submodule(parent), child, UnrolledLSTM(part))
    return separator


def write(level: Level, samples: int, step: Path, end_segment: Path) -> None:
    """Write a level's files.

    Args:
        level: to write.
        samples: of a chunk.
        step: file for the step.
        end_segment: file for the upkeep, which is not written where the state needs none.

    Raises:
        UserError: the level's files are damaged.
    """
    separator = unrolled(level.build())
    with _quiet_export():
        graphs: list[_Graph] = [StepGraph(separator, samples)]
        if separator.segment is not None:
            graphs.append(EndGraph(separator))
        for graph, path in zip(graphs, (step, end_segment), strict=False):
            _save(graph.eval(), path)


def _save(graph: _Graph, path: Path) -> None:
    # not optimised: the exporter's optimiser takes "+ 1e-8" for "+ 0" and drops it, and silence becomes log(0)
    program = torch.export.export(graph, graph.example).run_decompositions()
    torch.onnx.export(
        program,
        f=str(path),
        dynamo=True,
        optimize=False,
        external_data=False,
        verbose=False,
        input_names=list(graph.inputs),
        output_names=list(graph.outputs),
    )


@contextmanager
def _quiet_export() -> Iterator[None]:
    """No gradients, and no warnings about optional packages and the exporter's internals."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


if __name__ == "__main__":
    ladder, number, samples, *paths = sys.argv[1:]
    write(Ladder.load(ladder)[int(number)], int(samples), *map(Path, paths))
