"""The base of the causal separators: explicit state, one forward for batch and stream."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]


class CausalSeparator(nn.Module, ABC):
    """What all causal families share: hops, state, segments.

    :class:`~sepprune.separators.spectral.SpectralSeparator` masks a spectrum,
    :class:`~sepprune.separators.tasnet.LearnedSeparator` the output of a learned encoder; a family extends one of them.

    Args:
        sources: number of sources.
        hop: samples between two frames.
        window: samples under one synthesis window, the algorithmic latency.
        sample_rate: in hertz.
    """

    #: frames after which :meth:`end_segment` is due, or ``None`` where the state needs no upkeep
    segment: int | None = None
    #: samples before a chunk that its analysis needs
    past: int

    def __init__(self, sources: int = 2, hop: int = 128, window: int = 256, sample_rate: int = 16_000) -> None:
        super().__init__()
        self.sources, self.hop, self.window, self.sample_rate = sources, hop, window, sample_rate

    @property
    def delay(self) -> int:
        """Samples by which the sources lag the mixture that was put in: ``window - hop``."""
        return self.window - self.hop

    @property
    def latency_ms(self) -> float:
        """Algorithmic latency: the synthesis window."""
        return 1000.0 * self.window / self.sample_rate

    @abstractmethod
    def initial_network_state(self, batch: int) -> State:
        """Zero state of the separation network for ``batch`` mixtures."""

    def end_network_segment(self, state: State) -> State:
        """The network state with which the frame after a whole :attr:`segment` of frames starts."""
        return state

    def end_segment(self, state: State) -> State:
        """The state of :meth:`step` with which the frame after a whole :attr:`segment` of frames starts."""
        own = self.own_tensors
        return (*state[:own], *self.end_network_segment(state[own:]))

    @property
    @abstractmethod
    def own_tensors(self) -> int:
        """How many tensors of the state come before those of the network."""

    @abstractmethod
    def initial_state(self, batch: int = 1) -> State:
        """State before the first sample, all zeros, as :meth:`step` takes it; its first tensor is the past."""

    def step(self, mixture: Tensor, state: State, segments: int = 1) -> tuple[Tensor, State]:
        """:meth:`forward` without segment upkeep.

        The caller counts frames and calls :meth:`end_segment` after every :attr:`segment` of them.

        Shape:
            - mixture: ``(batch, samples)``, whole hops
            - sources: ``(batch, sources, samples)``, lagging by :attr:`delay` samples
        """
        signal = torch.cat([state[0], mixture], dim=1)
        sources, rest = self.separate(signal, state[1:], segments)
        return sources, (signal[:, signal.shape[1] - self.past :], *rest)

    @abstractmethod
    def separate(self, signal: Tensor, state: State, segments: int = 1) -> tuple[Tensor, State]:
        """:meth:`step` on a signal that starts with its own :attr:`past`: what a backend compiles for one fixed chunk.

        The caller keeps the past, counts frames, and calls :meth:`end_segment` after every :attr:`segment` of them.

        Args:
            signal: the mixture after the samples that came before it.
            state: as :meth:`initial_state` has it, without its first tensor.
            segments: into how many whole segments the frames divide; 1 also for a part of a segment.

        Shape:
            - signal: ``(batch, past + samples)``, whole hops
            - sources: ``(batch, sources, samples)``, lagging by :attr:`delay` samples
        """

    def forward(self, mixture: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Separate a mixture, from silence or from where an earlier call stopped.

        Any chunking of the same mixture gives the same sources, since batch and stream are this one function.

        Args:
            mixture: waveform, a whole number of hops.
            state: what the earlier call returned, that is the tensors of :meth:`step` and, last, the number
                of frames into the current segment; ``None`` starts from silence.

        Shape:
            - mixture: ``(batch, samples)``
            - sources: ``(batch, sources, samples)``, lagging the mixture by :attr:`delay` samples

        Raises:
            ValueError: ``samples`` is not a whole number of hops.
        """
        batch, samples = mixture.shape
        if samples == 0 or samples % self.hop:
            raise ValueError(
                f"a mixture of {samples} samples is not a whole number of hops of {self.hop} samples: "
                f"pad it with zeros to {max(1, -(-samples // self.hop)) * self.hop}"
            )
        tensors, position = (self.initial_state(batch), 0) if state is None else (state[:-1], int(state[-1]))
        outputs, start, frames = [], 0, samples // self.hop
        while start < frames:
            count, segments = self._piece(frames - start, position)
            piece = mixture[:, start * self.hop : (start + count) * self.hop]
            sources, tensors = self.step(piece, tensors, segments)
            outputs.append(sources)
            start += count
            if self.segment is not None:
                position = (position + count) % self.segment
                if position == 0:
                    tensors = self.end_segment(tensors)
        sources = outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
        return sources, (*tensors, torch.tensor(position))

    def _piece(self, frames: int, position: int) -> tuple[int, int]:
        """How many of the coming frames :meth:`step` can take at once, and how many segments they are."""
        if self.segment is None:
            return frames, 1
        if position or frames < self.segment:
            return min(frames, self.segment - position), 1
        return frames // self.segment * self.segment, frames // self.segment
