"""The backend ONNX Runtime. Torch converts a level once; after that it is not needed."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .buffers import BufferedStep
from .cache import cache_key, cached, holds
from .ladder import Level
from .onnx_conversion import FILES, convert

if TYPE_CHECKING:
    import onnxruntime


class OnnxRuntime:
    """ONNX Runtime on the CPU, inputs and outputs bound once.

    Args:
        precision: ``fp32``.
        threads: that share a step.
    """

    name = "onnxruntime"

    def __init__(self, precision: str = "fp32", threads: int = 1) -> None:
        self.precision, self.threads = precision, threads

    def compile(self, level: Level, samples: int) -> BufferedStep:
        return self.load(cached(_key(level, samples), functools.partial(convert, level, samples)), samples)

    def is_converted(self, level: Level, samples: int) -> bool:
        return holds(_key(level, samples))

    def load(self, files: dict[str, bytes], samples: int) -> BufferedStep:
        """Compile the files of one conversion, by name."""
        # when it is imported, the library makes an identity of this computer in the home folder, and sends usage data
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.set_denormal_as_zero", "1")

        def load(name: str) -> _OnnxModel:
            return _OnnxModel(onnxruntime.InferenceSession(files[name], options, providers=["CPUExecutionProvider"]))

        step, end = FILES
        return BufferedStep(samples, load(step), load(end) if end in files else None)


class _OnnxModel:
    """A session for one graph."""

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session
        self.inputs, self.outputs = (
            {port.name: tuple(port.shape) for port in ports} for ports in (session.get_inputs(), session.get_outputs())
        )

    def bind(self, arrays: dict[str, NDArray[np.float32]]) -> Callable[[], object]:
        binding = self._session.io_binding()
        for name, shape in self.inputs.items():
            binding.bind_input(name, "cpu", 0, np.float32, shape, arrays[name].ctypes.data)
        for name, shape in self.outputs.items():
            binding.bind_output(name, "cpu", 0, np.float32, shape, arrays[name].ctypes.data)
        return functools.partial(self._session.run_with_iobinding, binding)


def _key(level: Level, samples: int) -> str:
    """Key of a level's converted files in the cache. The weights are checked against the ladder's hash."""
    level.read_weights()
    settings = json.dumps(dict(level.settings), sort_keys=True)
    version = importlib.metadata.version("onnx")
    return cache_key(
        level.sha256, level.read_plan(), level.model, settings, samples, "onnx", "fp32", version, _sources()
    )


@functools.cache
def _sources() -> bytes:
    """The source code that decides what a converted level computes."""
    here = Path(__file__).parent
    paths = [here / "onnx_graphs.py", *sorted((here.parent / "separators").glob("*.py"))]
    return b"".join(path.read_bytes() for path in paths)
