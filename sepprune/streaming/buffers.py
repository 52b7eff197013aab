"""State in buffers that are allocated once: what one step writes is what the next one reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np


class BindableModel(Protocol):
    """A compiled graph with named inputs and outputs of fixed shapes."""

    inputs: Mapping[str, tuple[int, ...]]
    outputs: Mapping[str, tuple[int, ...]]

    def bind(self, arrays: dict[str, np.ndarray]) -> Callable[[], object]:
        """A call without arguments that reads and writes these arrays, by address, for good."""


class BufferedStep:
    """A compiled step over two graphs: the step, and the upkeep at the end of a segment where the state needs it.

    State tensors are called ``state_0``, ... as inputs and ``new_state_0``, ... as outputs.
    """

    def __init__(self, samples: int, step: BindableModel, end: BindableModel | None) -> None:
        self.samples, self._step, self._end = samples, step, end

    def initial_state(self) -> PingPong:
        return PingPong(self._step, self._end)

    def step(self, chunk: np.ndarray, state: PingPong) -> tuple[np.ndarray, PingPong]:
        return state.step(chunk), state

    def end_segment(self, state: PingPong) -> PingPong:
        state.end_segment()
        return state


class PingPong:
    """Two sets of state tensors: a step reads one, writes the other, and turns them round."""

    def __init__(self, step: BindableModel, end: BindableModel | None) -> None:
        shapes = {**step.inputs, **({} if end is None else end.inputs)}
        front = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
        # what a step leaves alone stands in both sets
        back = {name: np.zeros_like(array) if f"new_{name}" in step.outputs else array for name, array in front.items()}
        sources = np.zeros(step.outputs["sources"], np.float32)
        self._chunk, self._sources, self._side = front["mixture"][0], sources[0], 0
        # bound by address: the dictionaries keep the arrays alive
        self._arrays = [{"sources": sources, **read, **{f"new_{name}": array for name, array in written.items()}}
                        for read, written in ((front, back), (back, front))]
        self._steps = [step.bind(arrays) for arrays in self._arrays]
        self._spare = {} if end is None else {name: np.zeros(shape, np.float32) for name, shape in end.outputs.items()}
        self._ends = [] if end is None else [end.bind({**arrays, **self._spare}) for arrays in self._arrays]

    def step(self, chunk: np.ndarray) -> np.ndarray:
        self._chunk[:] = chunk
        self._steps[self._side]()
        self._side = 1 - self._side
        return self._sources

    def end_segment(self) -> None:
        self._ends[self._side]()
        arrays = self._arrays[self._side]
        for name, array in self._spare.items():
            arrays[name.removeprefix("new_")][...] = array
