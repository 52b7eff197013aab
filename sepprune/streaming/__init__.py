"""Streaming: ladders of separators, the backends that execute them, and the stream with its live level switch.

Nothing here imports torch until the torch backend runs or a level is converted for the first time.
"""

from .backends import available, backend_names, create_backend
from .ladder import Ladder, Level, LevelRecord, write_ladder
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
