"""Turns a level into files that compiled backends execute: ONNX or OpenVINO, static shapes, flat state."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .ladder import Ladder, Level

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

#: target -> file names of the step and, for levels with a segment, of its upkeep
FILES = {"openvino": ("step.xml", "end_segment.xml"), "onnx": ("step.onnx", "end_segment.onnx")}


def convert(level: Level, samples: int, target: str, folder: Path) -> None:
    """Write a level's step for chunks of ``samples`` samples, and its segment upkeep, into ``folder``.

    Torch does the work. Where it is not loaded yet a child process loads it, so that a live process stays small.
    """
    if "torch" in sys.modules:
        write(level, samples, target, folder)
        return
    command = [sys.executable, "-m", __name__, str(level.folder.absolute()), str(level.level),
               str(samples), target, str(folder)]
    child = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    if child.returncode:
        last = (child.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"level {level.level} of {level.folder} could not be converted for {target}: {last}")


def write(level: Level, samples: int, target: str, folder: Path) -> nn.Module:
    """:func:`convert` in this process; returns the torch module that was written."""
    import torch

    module = level.build()
    state = module.initial_state(1)
    step_file, end_file = (folder / name for name in FILES[target])
    save = _save_openvino if target == "openvino" else _save_onnx
    with _exporting():
        flat, names = step_module(module, samples)
        save(flat, {"mixture": torch.zeros(1, samples), **named(state)}, names, step_file)
        if module.segment is not None:
            flat, names = end_module(module)
            save(flat, named(state), names, end_file)
    return module


def named(state: tuple[Any, ...]) -> dict[str, Any]:
    """State tensors by the names that they have as inputs; as outputs they are called ``new_state_0``, ..."""
    return {f"state_{index}": tensor for index, tensor in enumerate(state)}


def step_module(separator: nn.Module, samples: int) -> tuple[nn.Module, list[str]]:
    """``step`` with the state spread over arguments and results, and the names of its results.

    A state tensor that a step hands on untouched is no result: executors differ in what they make of those.
    """
    import torch

    return _flat(lambda mixture, *state: separator.step(mixture, state), separator,
                 (torch.zeros(1, samples), *separator.initial_state(1)), ["sources"])


def end_module(separator: nn.Module) -> tuple[nn.Module, list[str]]:
    """``end_segment`` likewise."""
    return _flat(lambda *state: ((), separator.end_segment(state)), separator, separator.initial_state(1), [])


def _flat(function: Any, separator: nn.Module, example: tuple[Tensor, ...],
          first: list[str]) -> tuple[nn.Module, list[str]]:
    from torch import nn

    before = example[len(first):]
    _, after = function(*example)
    changed = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if new is not old]

    class Flat(nn.Module):
        """Tensors in, tensors out."""

        def __init__(self) -> None:
            super().__init__()
            self.separator = separator

        def forward(self, *arguments: Tensor) -> tuple[Tensor, ...]:
            outputs, state = function(*arguments)
            return (*([outputs] if first else []), *(state[index] for index in changed))

    return Flat().eval(), [*first, *(f"new_state_{index}" for index in changed)]


def _save_openvino(module: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    import openvino
    from torch import nn

    example = tuple(inputs.values())
    if any(isinstance(part, nn.RNNBase) for part in module.modules()):
        # unrolls the LSTMs into matrix products; traced ones become loops that cost a third more a step
        model = openvino.convert_model(_unrolled(module, example))
        # inputs that nothing reads may be gone already; the others are called arguments_0, ... after Flat.forward
        names = [list(inputs)[int(port.get_node().get_friendly_name().rpartition("_")[2])] for port in model.inputs]
    else:
        # keeps batch norms and PReLUs whole, so that openvino folds them into the convolutions
        model, names = openvino.convert_model(module, example_input=example), list(inputs)
    model.reshape({port: list(inputs[name].shape) for port, name in zip(model.inputs, names, strict=True)})
    for port, name in zip(model.inputs, names, strict=True):
        port.get_tensor().set_names({name})
        port.get_node().set_friendly_name(name)
    for port, name in zip(model.outputs, outputs, strict=True):
        port.get_tensor().set_names({name})
    for parameter in model.get_parameters():
        if not parameter.output(0).get_target_inputs():
            model.remove_parameter(parameter)
    openvino.save_model(model, path, compress_to_fp16=False)


def _save_onnx(module: nn.Module, inputs: dict[str, Tensor], outputs: list[str], path: Path) -> None:
    import torch

    # unoptimised: the exporter's optimiser takes "+ 1e-8" for "+ 0" and drops it, and silence becomes log(0)
    torch.onnx.export(_unrolled(module, tuple(inputs.values())), f=str(path), dynamo=True, optimize=False,
                      external_data=False, verbose=False, input_names=list(inputs), output_names=outputs)


def _unrolled(module: nn.Module, example: tuple[Tensor, ...]) -> torch.export.ExportedProgram:
    import torch

    return torch.export.export(module, example).run_decompositions()


@contextmanager
def _exporting() -> Iterator[None]:
    """No gradients, no warnings about optional packages and exporters' internals, and nothing told to anybody.

    OpenVINO's converter reports its use to its makers over the network, except in continuous integration.
    """
    import torch

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
    folder, number, samples, target, destination = sys.argv[1:]
    write(Ladder.load(folder)[int(number)], int(samples), target, Path(destination))
