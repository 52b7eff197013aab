"""What the causal separators share: filterbank, mask arithmetic and mixture consistency.

It computes what :meth:`sepprune.separators.spectral.SpectralSeparator.separate` does, for one stream.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import accumulate, chain, pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..openvino_library import ops
from .input_level import Followed, InputLevel
from .layers import Layers, LstmState
from .operations import (
    Value,
    add,
    axis,
    concatenate,
    constant,
    logarithm,
    multiply,
    only,
    part,
    reshape,
    split,
    square,
    subtract,
    transpose,
)
from .state import Shape, present

#: of :func:`sepprune.separators.layers.log_level`: added to power before the logarithm; factor and offset after it
_FLOOR, _LEVEL_SCALE, _LEVEL_OFFSET = 1e-8, 0.2, 1.0


@dataclass(frozen=True)
class Filterbank:
    """Settings of :class:`sepprune.separators.spectral.SpectralSeparator`, with its defaults.

    Args:
        sources: number of sources.
        hop: samples between two frames.
        window: samples under one synthesis window, two hops.
        analysis_window, low_window: samples under the analysis windows.
        low_bins: 0 where there is no second analysis.
        consistency: 0 where there is no mixture consistency.
        input_level: one level, or the ends of a range; 0 where features are as loud as the input.
        sample_rate: in hertz.
    """

    sources: int = 2
    hop: int = 128
    window: int = 256
    analysis_window: int = 512
    low_bins: int = 0
    low_window: int = 1024
    consistency: int = 0
    input_level: int | tuple[int, ...] = 0
    sample_rate: int = 16_000

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Filterbank:
        """Those among a level's settings."""
        given = {field.name: settings[field.name] for field in fields(cls) if field.name in settings}
        plain: dict[str, Any] = {  # numbers, and the ends of a range
            name: int(value) if isinstance(value, int) else tuple(value) for name, value in given.items()
        }
        return cls(**plain)

    @property
    def levels(self) -> tuple[int, int] | None:
        """Lowest and highest level of the features, ``None`` where they are as loud as the input."""
        ends = (self.input_level,) if isinstance(self.input_level, int) else self.input_level
        return (ends[0], ends[-1]) if any(ends) else None

    @property
    def past(self) -> int:
        """Samples before a chunk that its analysis needs."""
        return max(self.analysis_window, self.low_window if self.low_bins else 0) - self.hop

    @property
    def delay(self) -> int:
        """Samples by which the sources lag the mixture."""
        return self.window - self.hop


#: settings that all families have
SETTINGS = frozenset(field.name for field in fields(Filterbank))


class Network(Protocol):
    """What makes masks from features: a family of separators."""

    #: shapes of the tensors of its state; 0 in a shape stands for what was pruned away
    state_shapes: list[Shape]

    def masks(
        self, layers: Layers, features: Value, state: list[Value | None]
    ) -> tuple[Value, Value, list[Value | None]]:
        """Masks, what they are made from, and the first tensors of the new state: the rest stays as it is.

        Shape:
            - features: ``(frames, feature_bins)``
            - masks: ``(frames, sources * 2 * bins)``, for each source real parts before imaginary parts
            - hidden: ``(frames, width)``
        """

    def end_segment(self, layers: Layers, state: list[Value | None]) -> list[Value | None]:
        """The state with which the frame after a whole segment starts."""


@dataclass(frozen=True)
class Separator:
    """A separator of one level: filterbank around a network."""

    bank: Filterbank
    network: Network
    layers: Layers

    @property
    def own_shapes(self) -> tuple[list[Shape], list[Shape], list[Shape]]:
        """Shapes of the tensors of the state that belong to the overlap, the input level and consistency."""
        bank = self.bank
        overlap: list[Shape] = [(bank.sources, bank.window - bank.hop)]
        level: list[Shape] = [] if bank.levels is None else [(1, 1)]
        if not bank.consistency:
            return overlap, level, []
        units = self.layers.weights["consistency.lstm.weight_hh_l0"].shape[1]
        return overlap, level, [(1, bank.sources), (1, units), (1, units)]

    @property
    def state_shapes(self) -> list[Shape]:
        """Shapes of all tensors of the state except the past of the mixture."""
        return [*chain(*self.own_shapes), *self.network.state_shapes]

    def separate(self, signal: Value, state: list[Value | None], frames: int) -> tuple[Value, list[Value | None]]:
        """One step.

        Args:
            signal: the chunk after the :attr:`Filterbank.past` samples before it.
            state: tensors of :attr:`state_shapes`.
            frames: of the chunk.

        Returns:
            sources, and the first tensors of the new state: those after them stay as they are.

        Shape:
            - signal: ``(1, past + frames * hop)``
            - sources: ``(1, sources, frames * hop)``
        """
        bank = self.bank
        (before,), levels, shares, network = self._parts(state)
        followed = None
        if bank.levels is not None:
            follower = InputLevel(*bank.levels, bank.hop, bank.past, bank.sample_rate)
            followed, level = follower.follow(signal, present(levels[0]), frames)
            levels = [level]
        spectrum, features = self._analysis(signal, followed, frames)
        masks, hidden, network = self.network.masks(self.layers, features, network)
        estimates, overlap = self._synthesis(spectrum, masks, present(before), frames)
        if bank.consistency:
            start = bank.past - bank.delay
            plain = part(signal, 1, start, start + frames * bank.hop)
            delayed = plain if followed is None else followed.delayed
            estimates, shares = self._consistent(delayed, estimates, hidden, followed, shares, frames)
        return reshape(estimates, 1, *estimates.shape), [overlap, *levels, *shares, *network]

    def _parts(self, state: list[Value | None]) -> list[list[Value | None]]:
        """The state of the overlap, the input level, consistency and the network."""
        ends = [0, *accumulate(map(len, self.own_shapes)), len(state)]
        return [state[start:end] for start, end in pairwise(ends)]

    def end_segment(self, state: list[Value | None]) -> list[Value | None]:
        """The state with which the frame after a whole segment starts."""
        *own, network = self._parts(state)
        return [*chain(*own), *self.network.end_segment(self.layers, network)]

    def _analysis(self, signal: Value, followed: Followed | None, frames: int) -> tuple[Value, Value]:
        """Spectrum ``(frames, 2 * bins)`` and features ``(frames, feature_bins)``."""
        bank = self.bank
        spectrum = self._spectrum(signal, followed, "encoder", bank.analysis_window, frames)
        power = [_power(spectrum)]
        if bank.low_bins and len(self.layers.weights["low_encoder.weight"]):  # not where pruning has emptied it
            power.append(_power(self._spectrum(signal, followed, "low_encoder", bank.low_window, frames)))
        return spectrum, log_level(concatenate(power, 1), followed)

    def _spectrum(self, signal: Value, followed: Followed | None, encoder: str, window: int, frames: int) -> Value:
        hop, first = self.bank.hop, self.bank.past + self.bank.hop - window
        if followed is None:
            rows = [part(signal, 1, first + frame * hop, first + frame * hop + window) for frame in range(frames)]
            windows = concatenate(rows, 0)
        else:
            windows = part(followed.windows, 1, first, first + window)
        return self.layers.product(windows, self.layers.weights[f"{encoder}.weight"][:, 0])

    def _synthesis(self, spectrum: Value, masks: Value, overlap: Value, frames: int) -> tuple[Value, Value]:
        """Masked spectra as waveforms ``(sources, samples)``, and the new overlap ``(sources, hop)``."""
        sources, hop, bins = self.bank.sources, self.bank.hop, spectrum.shape[1] // 2
        mask_real, mask_imaginary = split(transpose(reshape(masks, frames, sources, 2 * bins), 1, 0, 2), 2, 2)
        real, imaginary = split(reshape(spectrum, 1, frames, 2 * bins), 2, 2)
        masked = concatenate(
            [
                subtract(multiply(real, mask_real), multiply(imaginary, mask_imaginary)),
                add(multiply(real, mask_imaginary), multiply(imaginary, mask_real)),
            ],
            2,
        )
        windows = self.layers.product(masked, np.ascontiguousarray(self.layers.weights["decoder.weight"][:, 0].T))
        starts, ends = split(windows, 2, 2)  # a window is two hops
        earlier = [reshape(overlap, sources, 1, hop)]
        if frames > 1:
            earlier.append(part(ends, 1, 0, frames - 1))
        waveforms = reshape(add(starts, concatenate(earlier, 1)), sources, frames * hop)
        return waveforms, reshape(part(ends, 1, frames - 1, frames), sources, hop)

    def _consistent(
        self,
        mixture: Value,
        estimates: Value,
        hidden: Value,
        followed: Followed | None,
        state: list[Value | None],
        frames: int,
    ) -> tuple[Value, list[Value | None]]:
        """Give every source its share of what the estimates leave of the mixture.

        See :class:`sepprune.separators.consistency.Consistency`.
        """
        sources, hop, layers = self.bank.sources, self.bank.hop, self.layers
        last, hidden_state, cell_state = state
        rest = subtract(mixture, only(ops.reduce_sum(estimates, axis(0), True)))
        signals = reshape(concatenate([estimates, rest, mixture], 0), sources + 2, frames, hop)
        power = only(ops.reduce_mean(square(signals), axis(2), False))
        levels = log_level(transpose(power, 1, 0), followed)
        inputs = concatenate([layers.linear(hidden, "consistency.listen"), levels], 1)
        lstm = layers.lstm(inputs, frames, LstmState.of(hidden_state, cell_state), "consistency.lstm")
        if lstm is None:
            raise ValueError("mixture consistency has no units")
        outputs, memory = lstm
        now = layers.linear(outputs, "consistency.share")
        before = concatenate([present(last), part(now, 0, 0, frames - 1)] if frames > 1 else [present(last)], 0)
        change = transpose(subtract(now, before), 1, 0)
        shares = add(
            reshape(transpose(before, 1, 0), sources, frames, 1),
            multiply(reshape(change, sources, frames, 1), constant(_rise(hop))),
        )
        given = multiply(reshape(shares, sources, frames * hop), rest)
        return add(estimates, given), [part(now, 0, frames - 1, frames), *memory]


def log_level(power: Value, followed: Followed | None) -> Value:
    """As :func:`sepprune.separators.layers.log_level`, of power ``(frames, channels)``."""
    if followed is not None:
        power = multiply(power, followed.gain)
    logarithms = logarithm(add(power, constant(_FLOOR)))
    return add(multiply(logarithms, constant(_LEVEL_SCALE)), constant(_LEVEL_OFFSET))


def _power(spectrum: Value) -> Value:
    real, imaginary = split(spectrum, 1, 2)
    return add(square(real), square(imaginary))


def _rise(hop: int) -> NDArray[np.float32]:
    """How a share moves from one hop to the next: power of the synthesis window, ``(hop,)``."""
    rise = np.sin(np.pi / 2 * (np.arange(hop, dtype=np.float32) + 0.5) / hop)
    return np.square(rise).astype(np.float32)
