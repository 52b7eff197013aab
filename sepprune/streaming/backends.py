"""The backends by name."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from ..errors import UserError
from ..extras import install_command, installed
from .onnx_backend import OnnxRuntime
from .openvino_backend import OpenVino
from .protocols import Backend, CompiledStep
from .torch_backend import Cuda, Torch

__all__ = ["COMPILED", "Backend", "CompiledStep", "available", "backend_names", "create_backend"]

#: backends that compile a level, and run it faster than eager torch
COMPILED = ("openvino", "onnxruntime")


class _Kind(Protocol):
    """A backend's class."""

    def __call__(self, precision: str, threads: int) -> Backend: ...


@dataclass(frozen=True)
class _Entry:
    """A backend that can be chosen.

    Args:
        kind: its class.
        precisions: that it can compute in, the usual one first.
        packages: modules that it imports.
        extra: optional dependency that installs them, ``None`` where every installation has them.
    """

    kind: _Kind
    precisions: tuple[str, ...]
    packages: tuple[str, ...]
    extra: str | None = None


_BACKENDS = {
    "openvino": _Entry(OpenVino, ("fp32", "bf16", "int8"), ("openvino",)),
    # torch converts a level to ONNX once
    "onnxruntime": _Entry(OnnxRuntime, ("fp32",), ("onnxruntime", "onnx", "onnxscript", "torch"), "onnx"),
    "torch": _Entry(Torch, ("fp32",), ("torch",), "train"),
    "cuda": _Entry(Cuda, ("fp32",), ("torch",), "train"),
}


def backend_names() -> list[str]:
    """Backends whose packages are installed, fastest first."""
    return [name for name in _BACKENDS if not _missing(name) and (name != "cuda" or _has_driver())]


def available(among: Collection[str] | None = None) -> list[tuple[str, str]]:
    """Pairs of backend and precision that work here, fastest backend first; only of ``among`` if that is given."""
    found = []
    for name in backend_names():
        for precision in _BACKENDS[name].precisions if among is None or name in among else ():
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
        threads: how many share a step. One has the steadiest chunk times: others must be woken for every operation,
            and a step waits for the last of them.

    Raises:
        UserError: the name is unknown, its package or device is missing, it cannot compute in the precision here, or
            there are fewer cores than threads.
    """
    names = backend_names()
    if name == "auto":
        if not names:
            raise UserError("no backend is installed: install the package openvino, which is the usual one")
        name = names[0]
    if name not in _BACKENDS:
        raise UserError(f"no backend is called {name!r}: choose from auto, {', '.join(_BACKENDS)}")
    entry = _BACKENDS[name]
    if missing := _missing(name):
        install = (
            f"install the extra {entry.extra!r} with {install_command(entry.extra)}" if entry.extra else "install it"
        )
        raise UserError(
            f"the backend {name} needs the package {missing}, which is not installed: {install}, "
            f"or choose from {', '.join(names)}"
        )
    if name not in names:
        raise UserError(f"the backend {name} finds no NVIDIA driver: install it, or choose from {', '.join(names)}")
    if precision not in entry.precisions:
        raise UserError(f"{name} does not compute in {precision!r}: choose from {', '.join(entry.precisions)}")
    cores = os.cpu_count() or 1
    if not 1 <= threads <= cores:
        raise UserError(f"{threads} threads are not possible: choose from 1 to {cores}, the cores of this machine")
    return entry.kind(precision, threads)


def _missing(name: str) -> str | None:
    """The first package of a backend that is not installed."""
    return next((package for package in _BACKENDS[name].packages if not installed(package)), None)


def _has_driver() -> bool:
    """Whether an NVIDIA driver is installed. Asking torch itself would take seconds."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
