"""What the separators with a learned encoder share: filters, masks and overlap-add.

It computes what :meth:`sepprune.separators.tasnet.LearnedSeparator.separate` does, for one stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from ..openvino_library import ops
from .layers import Layers
from .operations import (
    Value,
    add,
    concatenate,
    constant,
    multiply,
    only,
    part,
    positive_part,
    reshape,
    sigmoid,
    split,
    tanh,
    transpose,
)
from .state import Shape


@dataclass(frozen=True)
class LearnedFilters:
    """Settings of :class:`sepprune.separators.tasnet.LearnedSeparator`, with its defaults.

    Args:
        basis: filters before pruning.
        encoder_activation, mask_activation: names of :mod:`sepprune.separators.activations`.
        sources: number of sources.
        hop: samples between two frames.
        window: samples under one filter, whole hops.
        sample_rate: in hertz.
    """

    basis: int = 512
    encoder_activation: str = "relu"
    mask_activation: str = "relu"
    sources: int = 2
    hop: int = 16
    window: int = 32
    sample_rate: int = 16_000

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> LearnedFilters:
        """Those among a level's settings."""
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})

    @property
    def past(self) -> int:
        """Samples before a chunk that its analysis needs."""
        return self.window - self.hop


#: activations without weights
_PLAIN: dict[str, Callable[[Value], Value]] = {"relu": positive_part, "sigmoid": sigmoid, "tanh": tanh}
#: settings that all families have
SETTINGS = frozenset(field.name for field in fields(LearnedFilters))


class MaskNetwork(Protocol):
    """What makes masks from the encoder's output: a family of separators."""

    #: shapes of the tensors of its state; 0 in a shape stands for what was pruned away
    state_shapes: list[Shape]

    def masks(self, layers: Layers, features: Value, state: list[Value | None]) -> tuple[Value, list[Value | None]]:
        """Masks before their activation, and the first tensors of the new state: the rest stays as it is.

        Shape:
            - features: ``(1, basis, frames)``
            - masks: ``(1, sources * basis, frames)``
        """

    def end_segment(self, layers: Layers, state: list[Value | None]) -> list[Value | None]:
        """The state with which the frame after a whole segment starts."""


@dataclass(frozen=True)
class LearnedSeparator:
    """A separator of one level: filters around a network."""

    bank: LearnedFilters
    network: MaskNetwork
    layers: Layers

    @property
    def state_shapes(self) -> list[Shape]:
        """Shapes of all tensors of the state except the past of the mixture."""
        return [(self.bank.sources, self.bank.past), *self.network.state_shapes]

    def separate(self, signal: Value, state: list[Value | None], frames: int) -> tuple[Value, list[Value | None]]:
        """One step.

        Args:
            signal: the chunk after the :attr:`LearnedFilters.past` samples before it.
            state: tensors of :attr:`state_shapes`.
            frames: of the chunk.

        Returns:
            sources, and the first tensors of the new state: those after them stay as they are.

        Shape:
            - signal: ``(1, past + frames * hop)``
            - sources: ``(1, sources, frames * hop)``
        """
        bank, (tail, *network) = self.bank, state
        filters = self.layers.weight(self.layers.weights["encoder.weight"])
        columns = ops.convolution(reshape(signal, 1, 1, signal.shape[1]), filters, [bank.hop], [0], [0], [1])
        features = activated(self.layers, only(columns), bank.encoder_activation, "encoder_activation")
        masks, after = self.network.masks(self.layers, features, network)
        masks = reshape(masks, bank.sources, features.shape[1], frames)
        masks = activated(self.layers, masks, bank.mask_activation, "mask_activation", over=0)
        sources, tail = self._overlapped(multiply(masks, features), tail, frames)
        return reshape(sources, 1, *sources.shape), [tail, *after]

    def end_segment(self, state: list[Value | None]) -> list[Value | None]:
        """The state with which the frame after a whole segment starts."""
        tail, *network = state
        return [tail, *self.network.end_segment(self.layers, network)]

    def _overlapped(self, masked: Value, tail: Value | None, frames: int) -> tuple[Value, Value | None]:
        """Features ``(sources, basis, frames)`` as waveforms ``(sources, samples)``, and the new tail."""
        sources, hop, later = self.bank.sources, self.bank.hop, self.bank.window // self.bank.hop - 1
        rows = self.layers.weights["decoder.weight"][:, 0]
        windows = self.layers.product(transpose(masked, 0, 2, 1), np.ascontiguousarray(rows.T))
        total = None if tail is None else _with_zeros(reshape(tail, sources, later, hop), 0, frames)
        for index, piece in enumerate(split(windows, 2, later + 1)):
            placed = _with_zeros(piece, index, later - index)
            total = placed if total is None else add(total, placed)
        assert total is not None
        waveforms = reshape(part(total, 1, 0, frames), sources, frames * hop)
        if tail is None:
            return waveforms, None
        return waveforms, reshape(part(total, 1, frames, frames + later), sources, later * hop)


def activated(layers: Layers, value: Value, name: str, layer: str, over: int = 1) -> Value:
    """An activation by name, see :func:`sepprune.separators.activations.activation`.

    Args:
        layers: with its weight, where it has one.
        value: to activate.
        name: of the activation.
        layer: whose activation it is.
        over: axis of a softmax.
    """
    if name == "prelu":
        return only(ops.prelu(value, constant(layers.weights[f"{layer}.weight"])))
    if name == "softmax":
        return only(ops.softmax(value, over))
    if name == "linear":
        return value
    if name not in _PLAIN:
        raise ValueError(f"no activation is called {name!r}")
    return _PLAIN[name](value)


def _with_zeros(value: Value, before: int, after: int) -> Value:
    """``(sources, hops, hop)`` between hops of silence."""
    sources, _, hop = value.shape
    zeros = [constant(np.zeros((sources, count, hop), np.float32)) if count else None for count in (before, after)]
    return concatenate([each for each in (zeros[0], value, zeros[1]) if each is not None], 1)
