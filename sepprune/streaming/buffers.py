"""State in buffers that are allocated once: what one step writes, the next one reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .protocols import Samples


class BindableModel(Protocol):
    """A compiled graph with named inputs and outputs of fixed shapes, as :mod:`.openvino_graphs.graphs` has them."""

    @property
    def inputs(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes by name."""

    @property
    def outputs(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes by name."""

    def bind(self, arrays: dict[str, NDArray[np.float32]]) -> Callable[[], object]:
        """A call without arguments that reads and writes these arrays. It holds their addresses, not the arrays."""


class BufferedStep:
    """A compiled step over two graphs: the step, and the upkeep at the end of a segment where the state needs it.

    Args:
        samples: of a chunk.
        step: with the inputs ``signal`` and ``state`` and the outputs ``sources`` and ``new_state``.
        end: with the input ``state`` and the output ``new_state``.
    """

    def __init__(self, samples: int, step: BindableModel, end: BindableModel | None) -> None:
        self.samples, self._step, self._end = samples, step, end

    def initial_state(self) -> Buffers:
        return Buffers(self.samples, self._step, self._end)

    def cleared(self, state: Buffers) -> Buffers:
        state.clear()
        return state

    def step(self, chunk: Samples, state: Buffers) -> tuple[Samples, Buffers]:
        return state.step(chunk), state

    def end_segment(self, state: Buffers) -> Buffers:
        state.end_segment()
        return state


class Buffers:
    """Signal, state and sources of one stream.

    The new state that a step writes is copied to where the next step reads its state: a few kilobytes in the
    processor's nearest cache. Two sets of buffers used in turn would need no copy but two bound calls, each with memory
    of its own; that was 15 % slower at the lightest level.
    """

    def __init__(self, samples: int, step: BindableModel, end: BindableModel | None) -> None:
        self._signal = np.zeros(step.inputs["signal"], np.float32)
        self._sources = np.zeros(step.outputs["sources"], np.float32)
        self._state, self._new_state = (np.zeros(step.inputs["state"], np.float32) for _ in range(2))
        carried = np.zeros(step.outputs["new_state"], np.float32)
        self._carried, self._new_carried = self._state[:, : carried.size], carried
        self._past, self._recent = self._signal[0, :-samples], self._signal[0, samples:]
        self._chunk: Samples = self._signal[0, -samples:]
        self._separated: Samples = self._sources[0]
        arrays = {"signal": self._signal, "sources": self._sources, "state": self._state}
        # bound by address: the attributes above keep the arrays alive
        self._call_step = step.bind({**arrays, "new_state": carried})
        self._call_end = None if end is None else end.bind({**arrays, "new_state": self._new_state})

    def step(self, chunk: Samples) -> Samples:
        """Separate a chunk ``(samples,)`` into ``(sources, samples)``, which the next step overwrites."""
        self._past[:] = self._recent
        self._chunk[:] = chunk
        self._call_step()
        self._carried[:] = self._new_carried
        return self._separated

    def clear(self) -> None:
        """Return to the state before the first sample."""
        self._signal[:] = 0
        self._state[:] = 0

    def end_segment(self) -> None:
        """Run the upkeep, where the state needs any."""
        if self._call_end is not None:
            self._call_end()
            self._state[:] = self._new_state
