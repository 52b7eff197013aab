"""Blocks that run inside segments, and memories that carry state from segment to segment.

Li, Yang, Zhang and Qian, "SkiM: skipping memory LSTM for low-latency real-time continuous speech separation", ICASSP
2022, figure 1: LSTMs run inside segments; memories see only the ends of segments and start the next block's segments,
so that long context costs almost nothing per frame, and a batch trains its segments in parallel. The memory of segment
``s - 1`` reaches segment ``s``: causal.

A block maps features ``(rows, frames, features)`` and its hidden and cell state, each ``(1, rows, units)``, to the
same. A memory maps the hidden and cell states at the ends of segments, each ``(batch, segments, units)``, and its own
state to the starts of the next block in the following segments, and its new state. The state of a network is two
tensors a block, then those of the memories.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .base import State


def run_segments(
    blocks: nn.ModuleList, memories: nn.ModuleList, hidden: Tensor, state: State, segments: int
) -> tuple[Tensor, State]:
    """Run the blocks on whole segments, or on a part of one.

    Args:
        blocks: in order.
        memories: one between every two blocks.
        hidden: features of all frames.
        state: before the first frame.
        segments: into how many whole segments the frames divide; 1 also for a part of a segment.

    Shape:
        - hidden: ``(batch, frames, features)``
    """
    batch = hidden.shape[0]
    starts, memory_states = _split(state, len(blocks), len(memories))
    hidden = hidden.unflatten(1, (segments, -1)).flatten(0, 1)
    new_starts: list[Tensor] = []
    new_memories: list[Tensor] = []
    later: tuple[Tensor, Tensor] | None = None  # starts of segments 1.. of this block, from the block before
    for index, block in enumerate(blocks):
        start = starts[index]
        if segments > 1:
            start = tuple(
                _rows(first, None if later is None else later[part], segments) for part, first in enumerate(start)
            )
        hidden, (end_hidden, end_cell) = block(hidden, start)
        ends = [end.reshape(batch, segments, end.shape[-1]) for end in (end_hidden, end_cell)]
        # with one segment they are the state itself: compiled graphs then need no indexing
        new_starts += [end_hidden, end_cell] if segments == 1 else [end[:, -1].unsqueeze(0) for end in ends]
        later = None
        if index < len(memories):
            memory_state = memory_states[index]
            if segments > 1:
                hidden_start, cell_start, memory_state = memories[index](ends[0][:, :-1], ends[1][:, :-1], memory_state)
                later = hidden_start, cell_start
            new_memories += memory_state
    return hidden.unflatten(0, (batch, segments)).flatten(1, 2), (*new_starts, *new_memories)


def end_segments(blocks: int, memories: nn.ModuleList, state: State) -> State:
    """The state with which the frame after a whole segment starts."""
    ends, memory_states = _split(state, blocks, len(memories))
    new_starts = [torch.zeros_like(end) for end in ends[0]]
    new_memories: list[Tensor] = []
    for memory, end, memory_state in zip(memories, ends, memory_states, strict=False):
        hidden, cell, memory_state = memory(end[0].transpose(0, 1), end[1].transpose(0, 1), memory_state)
        new_starts += [hidden.transpose(0, 1), cell.transpose(0, 1)]
        new_memories += memory_state
    return (*new_starts, *new_memories)


def _split(state: State, blocks: int, memories: int) -> tuple[list[State], list[State]]:
    """States of the blocks (pairs) and of the memories (equally many each) out of the flat tuple."""
    pairs = 2 * blocks
    each = (len(state) - pairs) // memories if memories else 0
    return (
        [state[index : index + 2] for index in range(0, pairs, 2)],
        [state[pairs + index * each : pairs + (index + 1) * each] for index in range(memories)],
    )


def _rows(first: Tensor, later: Tensor | None, segments: int) -> Tensor:
    """Start states of all segments as LSTM rows: ``(1, batch, width)`` and ``(batch, segments - 1, width)``."""
    batch, width = first.shape[1:]
    if later is None:
        later = first.new_zeros(batch, segments - 1, width)
    return torch.cat([first.transpose(0, 1), later], dim=1).reshape(1, batch * segments, width)
