"""Causal skipping-memory LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from .base import State
from .segments import end_segments, run_segments
from .spectral import SpectralSeparator


class SegmentBlock(nn.Module):
    """Residual block: norm over channels, LSTM inside segments, projection.

    Shape:
        - features: ``(rows, frames, features)``
        - state: hidden and cell, each ``(1, rows, hidden)``
    """

    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.project = nn.Linear(hidden, features)

    def forward(self, features: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        hidden, state = self.lstm(self.norm(features), state)
        branch: Tensor = self.project(hidden)
        return features + branch, state


class Memory(nn.Module):
    """Carries a block's hidden and cell state from the ends of segments to the starts of later ones.

    A residual LSTM over segments for each of the two (Li et al. 2022, figure 1), of its own width.

    Shape:
        - hidden, cell: ``(batch, segments, width)``
        - state: four tensors ``(1, batch, memory)``
    """

    def __init__(self, width_in: int, width_out: int, memory: int) -> None:
        super().__init__()
        self.hidden_lstm = nn.LSTM(width_in, memory, batch_first=True)
        self.cell_lstm = nn.LSTM(width_in, memory, batch_first=True)
        self.hidden_project = nn.Linear(memory, width_out)
        self.cell_project = nn.Linear(memory, width_out)

    def forward(self, hidden: Tensor, cell: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        hidden, (hidden_h, hidden_c) = self.hidden_lstm(hidden, (state[0], state[1]))
        cell, (cell_h, cell_c) = self.cell_lstm(cell, (state[2], state[3]))
        return self.hidden_project(hidden), self.cell_project(cell), (hidden_h, hidden_c, cell_h, cell_c)


class SkiM(SpectralSeparator):
    """Causal skipping-memory LSTM.

    Li, Yang, Zhang and Qian, "SkiM: skipping memory LSTM for low-latency real-time continuous speech
    separation", ICASSP 2022; see :mod:`~sepprune.separators.segments`.

    Args:
        features: channels of the residual path.
        hidden: units of the segment LSTMs, one number for all or one a block.
        blocks: number of blocks.
        segment: frames in a segment.
        memory: units of the memory LSTMs.
        **filterbank: see :class:`~sepprune.separators.spectral.SpectralSeparator`.
    """

    def __init__(
        self,
        features: int = 192,
        hidden: int | Sequence[int] = 256,
        blocks: int = 4,
        segment: int = 50,
        memory: int = 128,
        **filterbank: Any,
    ) -> None:
        super().__init__(features, **filterbank)
        widths = [hidden] * blocks if isinstance(hidden, int) else list(hidden)
        if len(widths) != blocks:
            raise ValueError(f"hidden names {len(widths)} widths for {blocks} blocks: give one number or one a block")
        self.segment = segment
        self.bottleneck = nn.Linear(self.feature_bins, features)
        self.network = nn.ModuleList(SegmentBlock(features, width) for width in widths)
        self.memories = nn.ModuleList(Memory(here, after, memory) for here, after in pairwise(widths))
        self.norm = nn.LayerNorm(features)
        self.mask = nn.Linear(features, 2 * self.sources * self.bins)

    def initial_network_state(self, batch: int) -> State:
        zeros = self.mask.weight.new_zeros
        states = [zeros(1, batch, _width(block)) for block in self.network for _ in range(2)]
        for memory in self.memories:
            units = memory.hidden_lstm.hidden_size if isinstance(memory, Memory) else 0
            states += [zeros(1, batch, units) for _ in range(4)]
        return tuple(states)

    def masks(self, features: Tensor, state: State, segments: int = 1) -> tuple[Tensor, Tensor, State]:
        hidden = self.bottleneck(features.transpose(1, 2))
        hidden, after = run_segments(self.network, self.memories, hidden, state, segments)
        hidden = self.norm(hidden)
        masks = self.mask(hidden).transpose(1, 2)
        return masks.unflatten(1, (self.sources, -1)), hidden, after

    def end_network_segment(self, state: State) -> State:
        return end_segments(len(self.network), self.memories, state)


def _width(block: nn.Module) -> int:
    """Units of a block's state; the state of a block that pruning has removed is empty."""
    return block.lstm.hidden_size if isinstance(block, SegmentBlock) else 0
