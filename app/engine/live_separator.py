"""What the engine needs of a separator: one level, or several that run side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .arrays import Samples

if TYPE_CHECKING:
    from sepprune.streaming import Ladder


class LiveSeparator(Protocol):
    """A :class:`sepprune.streaming.StreamingSeparator`, or what has these of its attributes and methods."""

    ladder: Ladder
    sample_rate: int
    chunk: int
    hop: int
    delay: int
    sources: int
    level: int
    target_level: int
    level_error: Exception | None

    @property
    def backend(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def transitioning(self) -> bool: ...
    def step(self, chunk: Samples) -> Samples: ...
    def settle(self) -> None: ...
    def set_level(self, level: int, wait: bool = False) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...
