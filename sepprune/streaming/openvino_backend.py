"""The backend OpenVINO, for processors. It needs no torch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from .buffers import BufferedStep
from .ladder import Level

if TYPE_CHECKING:
    import openvino

    from .openvino_graphs.graphs import Graphs

_PORTS = ("signal", "state", "sources", "new_state")


class OpenVino:
    """OpenVINO on the CPU: the fastest backend on every machine measured.

    Args:
        precision: ``fp32``, ``bf16``, or ``int8`` of the weights alone, with arithmetic in fp32.
        threads: that share a step.

    Raises:
        UserError: the processor has no bf16 arithmetic.
    """

    name = "openvino"

    def __init__(self, precision: str = "fp32", threads: int = 1) -> None:
        from .openvino_library import core  # takes some tenths of a second: not for those who only import this package

        self.precision, self.threads = precision, threads
        self._core = core()
        if precision == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UserError("this processor has no bf16 arithmetic: use precision fp32")
        # without a hint OpenVINO chooses bf16 where the processor has it, with an error of -50 dB
        self._settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
            "CPU_DENORMALS_OPTIMIZATION": "YES",
        }

    def compile(self, level: Level, samples: int) -> BufferedStep:
        return self.compile_graphs(self.graphs(level, samples), samples)

    def is_converted(self, level: Level, samples: int) -> bool:
        return True

    def graphs(self, level: Level, samples: int) -> Graphs:
        """What :meth:`compile` compiles."""
        from .openvino_graphs.graphs import build_graphs

        return build_graphs(level, samples, int8=self.precision == "int8")

    def compile_graphs(self, graphs: Graphs, samples: int) -> BufferedStep:
        """Compile the graphs of a level for chunks of ``samples`` samples."""
        step, end = (
            None if graph is None else _OpenVinoModel(self._core.compile_model(graph, "CPU", self._settings))
            for graph in graphs
        )
        assert step is not None
        return BufferedStep(samples, step, end)


class _OpenVinoModel:
    """A compiled graph."""

    def __init__(self, model: openvino.CompiledModel) -> None:
        self._model = model
        self.inputs, self.outputs = (
            {_name(port): tuple(port.shape) for port in ports} for ports in (model.inputs, model.outputs)
        )

    def bind(self, arrays: dict[str, NDArray[np.float32]]) -> Callable[[], object]:
        from .openvino_library import openvino

        request = self._model.create_infer_request()
        for index, name in enumerate(self.inputs):
            request.set_input_tensor(index, openvino.Tensor(arrays[name], shared_memory=True))
        for index, name in enumerate(self.outputs):
            request.set_output_tensor(index, openvino.Tensor(arrays[name], shared_memory=True))
        return functools.partial(request.infer, share_outputs=True, decode_strings=False)


def _name(port: openvino.ConstOutput) -> str:
    """The name that a port was given, among those that OpenVINO may have added."""
    return next(name for name in _PORTS if name in port.get_names())
