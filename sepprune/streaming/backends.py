"""What executes a step: one small class a backend, one protocol.

A compiled step takes chunks of one fixed size. Its state lives in buffers allocated once: the tensors that one
step writes are the very tensors that the next one reads.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Collection
from typing import Any, Protocol

import numpy as np

from ..errors import UserError
from .converted import OnnxRuntime, OpenVino
from .eager import Cuda, Torch
from .ladder import Level


class CompiledStep(Protocol):
    """One level, ready to run on chunks of ``samples`` samples, which must not straddle the end of a segment.

    A state is used up by the step that takes it, and sources stand in a buffer that the next step with that
    state overwrites: copy what must last.

    Shape:
        - chunk: ``(samples,)`` float32; sources: ``(sources, samples)`` float32
    """

    samples: int

    def initial_state(self) -> Any:
        """State before the first sample. Several states may be live at a time."""

    def cleared(self, state: Any) -> Any:
        """A used state as it was before the first sample, without the cost of a new one where that is any."""

    def step(self, chunk: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        """Separate one chunk."""

    def end_segment(self, state: Any) -> Any:
        """The state with which the frame after a whole segment starts."""


class Backend(Protocol):
    """Makes compiled steps that run in the calling thread, and in as many more as it was asked to use."""

    name: str
    precision: str
    threads: int

    def compile(self, level: Level, samples: int) -> CompiledStep:
        """Compile a level for chunks of ``samples`` samples."""

    def is_converted(self, level: Level, samples: int) -> bool:
        """Whether :meth:`compile` is quick: what it needs from torch was made by an earlier call."""


#: backends that need a conversion once, and then no torch
COMPILED = ("openvino", "onnxruntime")

_BACKENDS: dict[str, tuple[type[Backend], tuple[str, ...]]] = {
    "openvino": (OpenVino, ("fp32", "bf16", "int8")),
    "onnxruntime": (OnnxRuntime, ("fp32",)),
    "torch": (Torch, ("fp32",)),
    "cuda": (Cuda, ("fp32",)),
}


def backend_names() -> list[str]:
    """Backends whose library is installed, fastest first."""
    return [name for name in _BACKENDS if (_has_cuda() if name == "cuda" else importlib.util.find_spec(name))]


def available(among: Collection[str] | None = None) -> list[tuple[str, str]]:
    """Pairs of backend and precision that work here, fastest backend first; only of ``among`` if that is given."""
    found = []
    for name in backend_names():
        for precision in _BACKENDS[name][1] if among is None or name in among else ():
            try:
                create_backend(name, precision)
            except UserError:
                continue  # the machine lacks the precision or the device
            found.append((name, precision))
    return found


def create_backend(name: str = "auto", precision: str = "fp32", threads: int = 1) -> Backend:
    """A backend by name.

    Args:
        name: ``openvino``, ``onnxruntime``, ``torch``, ``cuda``, or ``auto``: the first of them that is installed.
        precision: ``fp32``; with openvino also ``int8`` (of the weights), and ``bf16`` on a processor that has it.
        threads: that share a step. One is the quietest: others must be woken for every operation, and a step waits
            for the last of them.

    Raises:
        UserError: the name is unknown, its library or device is missing, it cannot do the precision here, or there
            are fewer cores than threads.
    """
    installed = backend_names()
    if name == "auto":
        name = installed[0]
    if name not in _BACKENDS:
        raise UserError(f"no backend is called {name!r}: choose from auto, {', '.join(_BACKENDS)}")
    if name not in installed:
        missing = "has no NVIDIA driver to talk to" if name == "cuda" else f"needs the package {name}"
        raise UserError(f"the backend {name} {missing}: install it, or choose from {', '.join(installed)}")
    kind, precisions = _BACKENDS[name]
    if precision not in precisions:
        raise UserError(f"{name} does not compute in {precision!r}: choose from {', '.join(precisions)}")
    cores = os.cpu_count() or 1
    if not 1 <= threads <= cores:
        raise UserError(f"{threads} threads are not possible: choose from 1 to {cores}, the cores of this machine")
    return kind(precision, threads)


def _has_cuda() -> bool:
    """Whether torch and an NVIDIA driver are installed. Asking torch itself would take seconds."""
    if not importlib.util.find_spec("torch"):
        return False
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
