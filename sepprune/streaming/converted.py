"""Backends that convert a level once and then run it without torch."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from .buffers import BufferedStep
from .cache import cache_key, cached, holds
from .conversion import FILES, convert
from .ladder import Level

if TYPE_CHECKING:
    from .backends import CompiledStep


class OpenVino:
    """OpenVINO on the CPU: the fastest of the three on every machine measured."""

    name = "openvino"
    #: precision -> of the arithmetic; int8 is of the weights alone, which are what a step of one chunk waits for
    _HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}

    def __init__(self, precision: str = "fp32", threads: int = 1) -> None:
        self.precision, self.threads = precision, threads
        self._core = _core()
        if precision == "bf16" and "BF16" not in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UserError("this processor has no bf16 arithmetic: use precision fp32")
        if precision == "int8" and not importlib.util.find_spec("nncf"):
            raise UserError("precision int8 needs the package nncf: install it, or use precision fp32")
        # left to itself OpenVINO picks bf16 where the processor has it, at -50 dB error
        self._settings = {
            "INFERENCE_PRECISION_HINT": self._HINTS[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
            "CPU_DENORMALS_OPTIMIZATION": "YES",
        }

    def compile(self, level: Level, samples: int) -> CompiledStep:
        return self.load(cached(*self._conversion(level, samples)), samples)

    def is_converted(self, level: Level, samples: int) -> bool:
        return holds(self._conversion(level, samples)[0])

    def _conversion(self, level: Level, samples: int) -> tuple[str, Callable[[Path], None]]:
        return _conversion(
            level,
            samples,
            "openvino",
            "int8" if self.precision == "int8" else "fp32",
            importlib.metadata.version("openvino"),
        )

    def load(self, files: dict[str, bytes], samples: int) -> CompiledStep:
        """Compile the files of one conversion."""
        step, end = (self._load(files, name) for name in FILES["openvino"])
        return BufferedStep(samples, step, end)

    def _load(self, files: dict[str, bytes], name: str) -> _OpenVinoModel | None:
        if name not in files:
            return None
        import openvino

        weights = np.frombuffer(files[name.replace(".xml", ".bin")], np.uint8)
        model = self._core.read_model(files[name], openvino.Tensor(weights))
        return _OpenVinoModel(self._core.compile_model(model, "CPU", self._settings))


class _OpenVinoModel:
    def __init__(self, model: Any) -> None:
        self._model = model
        self.inputs, self.outputs = (
            {_name(port): tuple(port.shape) for port in ports} for ports in (model.inputs, model.outputs)
        )

    def bind(self, arrays: dict[str, np.ndarray]) -> Callable[[], Any]:
        import openvino

        request = self._model.create_infer_request()
        for index, name in enumerate(self.inputs):
            request.set_input_tensor(index, openvino.Tensor(arrays[name], shared_memory=True))
        for index, name in enumerate(self.outputs):
            request.set_output_tensor(index, openvino.Tensor(arrays[name], shared_memory=True))
        return functools.partial(request.infer, share_outputs=True, decode_strings=False)


@functools.cache
def _core() -> Any:
    """The process's one OpenVINO core, which is never given up.

    On Linux its processor plugin replaces the thread's signal stack when it is loaded, and brings back what it found
    when it is released. Where two cores end in the order in which they began, that is the stack of the first, which
    is no longer mapped: the next signal that Python handles would end the process.
    """
    import openvino

    return openvino.Core()


def _name(port: Any) -> str:
    """The name that conversion gave a port, among those that openvino may have added."""
    return next(name for name in port.get_names() if name in ("signal", "state", "sources", "new_state"))


class OnnxRuntime:
    """ONNX Runtime on the CPU, inputs and outputs bound once."""

    name = "onnxruntime"

    def __init__(self, precision: str = "fp32", threads: int = 1) -> None:
        self.precision, self.threads = precision, threads

    def compile(self, level: Level, samples: int) -> CompiledStep:
        return self.load(cached(*self._conversion(level, samples)), samples)

    def is_converted(self, level: Level, samples: int) -> bool:
        return holds(self._conversion(level, samples)[0])

    def _conversion(self, level: Level, samples: int) -> tuple[str, Callable[[Path], None]]:
        return _conversion(level, samples, "onnx", "fp32", importlib.metadata.version("onnx"))

    def load(self, files: dict[str, bytes], samples: int) -> CompiledStep:
        """Compile the files of one conversion."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.set_denormal_as_zero", "1")
        step, end = (
            _OnnxModel(onnxruntime.InferenceSession(files[name], options, providers=["CPUExecutionProvider"]))
            if name in files
            else None
            for name in FILES["onnx"]
        )
        return BufferedStep(samples, step, end)


class _OnnxModel:
    def __init__(self, session: Any) -> None:
        self._session = session
        self.inputs, self.outputs = (
            {port.name: tuple(port.shape) for port in ports} for ports in (session.get_inputs(), session.get_outputs())
        )

    def bind(self, arrays: dict[str, np.ndarray]) -> Callable[[], Any]:
        binding = self._session.io_binding()
        for name, shape in self.inputs.items():
            binding.bind_input(name, "cpu", 0, np.float32, shape, arrays[name].ctypes.data)
        for name, shape in self.outputs.items():
            binding.bind_output(name, "cpu", 0, np.float32, shape, arrays[name].ctypes.data)
        return functools.partial(self._session.run_with_iobinding, binding)


def _conversion(
    level: Level, samples: int, target: str, weights: str, version: str
) -> tuple[str, Callable[[Path], None]]:
    """Key and maker of a level's converted files, for the cache; the level is checked against the ladder's hash."""
    level.read_weights()
    settings = json.dumps(dict(level.settings), sort_keys=True)
    key = cache_key(
        level.sha256, level.read_plan(), level.model, settings, samples, target, weights, version, _sources()
    )
    return key, lambda folder: convert(level, samples, target, weights, folder)


@functools.cache
def _sources() -> bytes:
    """The source code that decides what a converted level computes."""
    here = Path(__file__).parent
    paths = [here / "graphs.py", *sorted((here.parent / "separators").glob("*.py"))]
    return b"".join(path.read_bytes() for path in paths)
