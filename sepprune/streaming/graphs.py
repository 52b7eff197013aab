"""A level as static graphs, one for a step and one for the upkeep at the ends of segments: ONNX or OpenVINO files."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..separators.base import CausalSeparator, State
from .conversion import FILES
from .ladder import Ladder, Level


class _Graph(nn.Module):
    """Tensors in, tensors out, the separator's state as one row of numbers.

    A call of a compiled graph costs about as much for an input or an output as for a layer, so they are few. The past
    of the mixture is no part of the state: whoever holds it moves it along in place, a graph would copy it twice.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __init__(self, separator: CausalSeparator) -> None:
        super().__init__()
        self.separator = separator
        past, *state = separator.initial_state(1)
        self.past = past
        self.shapes = [tensor.shape for tensor in state]
        self.state = torch.zeros(1, sum(tensor.numel() for tensor in state))

    def unpack(self, state: Tensor) -> State:
        """The state's tensors. Those of parts that pruning has emptied are in no graph: runtimes know no empty ones."""
        pieces = iter(state.split([shape.numel() for shape in self.shapes if shape.numel()], dim=1))
        return tuple(next(pieces).reshape(shape) if shape.numel() else state.new_zeros(shape) for shape in self.shapes)

    def pack(self, state: State) -> Tensor:
        return torch.cat([tensor.reshape(1, -1) for tensor in state if tensor.numel()], dim=1)


class StepGraph(_Graph):
    """A separator's step for one fixed chunk.

    Shape:
        - signal: ``(1, past + samples)``, the chunk after the samples that came before it
        - state: ``(1, numbers)``, zeros at the start
        - new_state: ``(1, carried)``, the first numbers of the state; a step hands on the others as they are
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
        self.bias = nn.Parameter(lstm.bias_ih_l0 + lstm.bias_hh_l0)
        self.input_weight = lstm.weight_ih_l0
        self.recurrent = nn.Linear(lstm.hidden_size, 4 * lstm.hidden_size, bias=False)
        self.recurrent.weight = lstm.weight_hh_l0

    def forward(self, sequence: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        hidden, cell = (tensor.squeeze(0) for tensor in state)  # indexing would stay in the graph as a gather
        if sequence.shape[-1]:
            driven = nn.functional.linear(sequence, self.input_weight, self.bias).unbind(1)
        else:  # whom it listened to was pruned away
            driven = [self.bias] * sequence.shape[1]
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


def write(level: Level, samples: int, target: str, weights: str, folder: Path) -> CausalSeparator:
    """Write a level's files into ``folder``; returns the torch module that was written.

    Args:
        level: to write.
        samples: of a chunk.
        target: ``openvino`` or ``onnx``.
        weights: ``fp32``, or ``int8`` (openvino).
        folder: for the files, named by :data:`~sepprune.streaming.conversion.FILES`.
    """
    separator = unrolled(level.build())
    with _exporting():
        graphs = [StepGraph(separator, samples)] + ([] if separator.segment is None else [EndGraph(separator)])
        for graph, name in zip(graphs, FILES[target], strict=False):
            if target == "openvino":
                _save_openvino(graph.eval(), folder / name, int8=weights == "int8")
            else:
                _save_onnx(graph.eval(), folder / name)
    return separator


def _save_openvino(graph: _Graph, path: Path, int8: bool) -> None:
    import openvino

    # traced, not exported: keeps batch norms and PReLUs whole, so that openvino folds them into the convolutions
    model = openvino.convert_model(graph, example_input=graph.example)
    model.reshape({port: list(tensor.shape) for port, tensor in zip(model.inputs, graph.example, strict=True)})
    for ports, names in ((model.inputs, graph.inputs), (model.outputs, graph.outputs)):
        for port, name in zip(ports, names, strict=True):
            port.get_tensor().set_names({name})
    for port, name in zip(model.inputs, graph.inputs, strict=True):
        port.get_node().set_friendly_name(name)
    openvino.save_model(_in_8_bits(model) if int8 else model, path, compress_to_fp16=False)


def _in_8_bits(model: Any) -> Any:
    """Weights of matrix products and convolutions as 8-bit integers with a scale a channel; arithmetic stays fp32."""
    import nncf

    nncf.set_log_level(logging.ERROR)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):  # progress bars of its own
        return nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_SYM)


def _save_onnx(graph: _Graph, path: Path) -> None:
    # unoptimised: the exporter's optimiser takes "+ 1e-8" for "+ 0" and drops it, and silence becomes log(0)
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
def _exporting() -> Iterator[None]:
    """No gradients, no warnings about optional packages and exporters' internals, and nothing told to anybody.

    OpenVINO's converter reports its use to its makers over the network, except in continuous integration.
    """
    level, ci = logging.root.manager.disable, os.environ.get("CI")
    logging.disable(logging.WARNING)
    os.environ["CI"] = "true"
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
        if ci is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = ci


if __name__ == "__main__":
    folder, number, samples, target, weights, destination = sys.argv[1:]
    write(Ladder.load(folder)[int(number)], int(samples), target, weights, Path(destination))
