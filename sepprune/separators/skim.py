"""Causal skipping-memory LSTM."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from .base import CausalSeparator, State


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


class SkiM(CausalSeparator):
    """Causal skipping-memory LSTM.

    Li, Yang, Zhang and Qian, "SkiM: skipping memory LSTM for low-latency real-time continuous speech
    separation", ICASSP 2022. LSTMs run inside segments; memory LSTMs see only the ends of segments and start the
    next block's segments, so that long context costs almost nothing per frame, and a batch trains its segments
    in parallel. The memory of segment ``s - 1`` reaches segment ``s``: causal.

    Args:
        features: channels of the residual path.
        hidden: units of the segment LSTMs, one number for all or one a block.
        blocks: number of blocks.
        segment: frames in a segment.
        memory: units of the memory LSTMs.
        **filterbank: see :class:`~sepprune.separators.base.CausalSeparator`.
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

    def _split(self, state: State) -> tuple[list[State], list[State]]:
        """Segment states (pairs) and memory states (fours) out of the flat tuple."""
        pairs, fours = 2 * len(self.network), 4
        return (
            [state[i : i + 2] for i in range(0, pairs, 2)],
            [state[i : i + fours] for i in range(pairs, len(state), fours)],
        )

    def masks(self, features: Tensor, state: State, segments: int = 1) -> tuple[Tensor, Tensor, State]:
        starts, memory_states = self._split(state)
        batch = features.shape[0]
        hidden = self.bottleneck(features.transpose(1, 2))
        hidden = hidden.unflatten(1, (segments, -1)).flatten(0, 1)
        new_starts: list[Tensor] = []
        new_memories: list[Tensor] = []
        later: tuple[Tensor, Tensor] | None = None  # starts of segments 1.. of this block, from the block before
        for index, block in enumerate(self.network):
            start = starts[index]
            if segments > 1:
                start = tuple(
                    _rows(first, None if later is None else later[part], segments) for part, first in enumerate(start)
                )
            hidden, (end_hidden, end_cell) = block(hidden, start)
            ends = [end.reshape(batch, segments, end.shape[-1]) for end in (end_hidden, end_cell)]
            # with one segment they are the state itself: compiled graphs then need no indexing
            new_starts += [end_hidden, end_cell] if segments == 1 else [end[:, -1].unsqueeze(0) for end in ends]
            if index < len(self.memories):
                memory_state = memory_states[index]
                if segments > 1:
                    hidden_start, cell_start, memory_state = self.memories[index](
                        ends[0][:, :-1], ends[1][:, :-1], memory_state
                    )
                    later = hidden_start, cell_start
                new_memories += memory_state
        hidden = self.norm(hidden.unflatten(0, (batch, segments)).flatten(1, 2))
        masks = self.mask(hidden).transpose(1, 2)
        return masks.unflatten(1, (self.sources, -1)), hidden, (*new_starts, *new_memories)

    def end_network_segment(self, state: State) -> State:
        ends, memory_states = self._split(state)
        new_starts = [torch.zeros_like(end) for end in ends[0]]
        new_memories: list[Tensor] = []
        for memory, end, memory_state in zip(self.memories, ends, memory_states, strict=False):
            hidden, cell, memory_state = memory(end[0].transpose(0, 1), end[1].transpose(0, 1), memory_state)
            new_starts += [hidden.transpose(0, 1), cell.transpose(0, 1)]
            new_memories += memory_state
        return (*new_starts, *new_memories)


def _width(block: nn.Module) -> int:
    """Units of a block's state; the state of a block that pruning has removed is empty."""
    return block.lstm.hidden_size if isinstance(block, SegmentBlock) else 0


def _rows(first: Tensor, later: Tensor | None, segments: int) -> Tensor:
    """Start states of all segments as LSTM rows: ``(1, batch, width)`` and ``(batch, segments - 1, width)``."""
    batch, width = first.shape[1:]
    if later is None:
        later = first.new_zeros(batch, segments - 1, width)
    return torch.cat([first.transpose(0, 1), later], dim=1).reshape(1, batch * segments, width)
