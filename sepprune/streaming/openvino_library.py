"""The one place that imports OpenVINO: without its telemetry.

Otherwise ``import openvino`` reports the import to its makers over the network and keeps an identifier in ``~/intel``.
If the package ``openvino_telemetry`` cannot be imported, OpenVINO uses a stub of its own that does nothing. So that
package is hidden while OpenVINO is imported. Import this module in place of ``openvino``, and only where OpenVINO is
needed: it takes some tenths of a second.

A program that has imported OpenVINO itself before has reported that import itself. Later reports come from OpenVINO's
model converter only, which nothing in this package calls.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_TELEMETRY = "openvino_telemetry"


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Make ``import openvino_telemetry`` fail inside the block, as if the package were not installed."""
    if _TELEMETRY in sys.modules:  # the program uses it for something else
        hidden = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == _TELEMETRY}
    else:
        hidden = {}
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]  # Python's own way to forbid an import
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]
        sys.modules.update(hidden)


with _without_telemetry():
    import openvino
    from openvino import opset13 as ops

__all__ = ["core", "openvino", "ops"]


@functools.cache
def core() -> openvino.Core:
    """The process's one OpenVINO core, which is never released.

    On Linux its CPU plugin replaces the thread's signal stack when it is loaded, and restores the stack that it found
    when it is released. If two cores are released in the order in which they were made, the restored stack is that of
    the first core, which is no longer mapped: the next signal that Python handles would end the process.
    """
    return openvino.Core()
