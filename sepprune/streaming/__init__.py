"""Streaming: ladders of separators, the backends that execute them, and the stream with its live level switch.

Torch is imported only when the torch backend runs, a level is converted to ONNX, or a ladder is written.
"""

from .backends import available, backend_names, create_backend
from .ladder import Ladder, Level
from .ladder_writer import LevelRecord, write_ladder
from .stream import StreamingSeparator

__all__ = [
    "Ladder",
    "Level",
    "LevelRecord",
    "StreamingSeparator",
    "available",
    "backend_names",
    "create_backend",
    "write_ladder",
]
