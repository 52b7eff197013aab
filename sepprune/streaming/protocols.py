"""What a backend is: it compiles a level for chunks of one size, and runs what it compiled."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .ladder import Level

#: one channel or several, full scale 1
Samples = NDArray[np.float32]

#: what a step carries to the next one. ``Any``, since only the backend that made it looks inside: buffers or tensors.
State = Any


class CompiledStep(Protocol):
    """One level, ready to run on chunks of ``samples`` samples, which must not extend over the end of a segment.

    A state may be used once: the step that takes it may overwrite it. Sources lie in a buffer that the next step with
    the same state overwrites; copy what must last.

    Shape:
        - chunk: ``(samples,)`` float32; sources: ``(sources, samples)`` float32
    """

    samples: int

    def initial_state(self) -> State:
        """State before the first sample. Several states may be in use at a time."""

    def cleared(self, state: State) -> State:
        """A used state, reset to what it was before the first sample. Cheaper than a new one for some backends."""

    def step(self, chunk: Samples, state: State) -> tuple[Samples, State]:
        """Separate one chunk."""

    def end_segment(self, state: State) -> State:
        """The state with which the frame after a whole segment starts."""


class Backend(Protocol):
    """Makes compiled steps. They run in the calling thread, and in as many more as the backend was asked to use."""

    @property
    def name(self) -> str:
        """As :func:`~sepprune.streaming.backends.create_backend` takes it."""

    @property
    def precision(self) -> str:
        """As :func:`~sepprune.streaming.backends.create_backend` takes it."""

    @property
    def threads(self) -> int:
        """Threads that share a step."""

    def compile(self, level: Level, samples: int) -> CompiledStep:
        """Compile a level for chunks of ``samples`` samples.

        Raises:
            UserError: the level's files are damaged, or a package that the backend needs is missing.
        """

    def is_converted(self, level: Level, samples: int) -> bool:
        """Whether :meth:`compile` takes less than a second or so, because it needs no conversion by torch."""
