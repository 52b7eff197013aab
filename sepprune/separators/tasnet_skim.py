"""SkiM as other programs train it: learned encoder, norms after the LSTMs, memories with residual paths."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .base import State
from .segments import end_segments, run_segments
from .tasnet import LearnedSeparator

#: which states a memory carries on
_CARRIES = {"both": "hc", "hidden": "h", "cell": "c", "same": ""}


class NormedLSTM(nn.Module):
    """LSTM, projection back to the input's width, norm over the channels of each frame.

    Shape:
        - rows: ``(rows, frames, width)``; state: hidden and cell, each ``(1, rows, hidden)``
    """

    def __init__(self, width: int, hidden: int, epsilon: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(width, hidden, batch_first=True)
        self.project = nn.Linear(hidden, width)
        self.norm = nn.LayerNorm(width, eps=epsilon)

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        hidden, after = self.lstm(rows, state)
        return self.norm(self.project(hidden)), after


class ResidualSegment(NormedLSTM):
    """Residual block of a :class:`NormedLSTM`."""

    def forward(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        change, after = super().forward(rows, state)
        return rows + change, after


class ResidualMemory(nn.Module):
    """Carries a block's hidden and cell state from the ends of segments to the starts of later ones.

    Args:
        hidden: units of both.
        carries: ``both``, ``hidden`` or ``cell`` go through an LSTM with a residual path, and the other one is
            dropped; ``same`` carries both on as they are.
        epsilon: of the norms.

    Shape:
        - hidden, cell: ``(batch, segments, units)``
        - state: hidden and cell, each ``(1, batch, units)``, of each LSTM
    """

    def __init__(self, hidden: int, carries: str, epsilon: float) -> None:
        super().__init__()
        self.same = carries == "same"
        self.hidden_net = NormedLSTM(hidden, hidden, epsilon) if "h" in _CARRIES[carries] else None
        self.cell_net = NormedLSTM(hidden, hidden, epsilon) if "c" in _CARRIES[carries] else None

    def initial_state(self, batch: int) -> State:
        nets = [net for net in (self.hidden_net, self.cell_net) if net is not None]
        return tuple(net.project.weight.new_zeros(1, batch, net.lstm.hidden_size) for net in nets for _ in range(2))

    def forward(self, hidden: Tensor, cell: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        if self.same:
            return hidden, cell, ()
        starts: list[Tensor] = []
        after: list[Tensor] = []
        for ends, net in ((hidden, self.hidden_net), (cell, self.cell_net)):
            if net is None:
                starts.append(torch.zeros_like(ends))
                continue
            change, its_state = net(ends, state[len(after) : len(after) + 2])
            starts.append(ends + change)
            after += its_state
        return starts[0], starts[1], tuple(after)


class TasnetSkiM(LearnedSeparator):
    """Causal skipping-memory LSTM with learned encoder and decoder.

    Li, Yang, Zhang and Qian, "SkiM: skipping memory LSTM for low-latency real-time continuous speech separation",
    ICASSP 2022; see :mod:`~sepprune.separators.segments`. The residual path has the width of the encoder.

    Args:
        hidden: units of the LSTMs; the memories tie those of all blocks together.
        blocks: number of blocks.
        segment: frames in a segment.
        carries: what goes from segment to segment: ``both``, ``hidden``, ``cell`` or ``same``, see
            :class:`ResidualMemory`.
        epsilon: added to variances in norms.
        **filters: see :class:`~sepprune.separators.tasnet.LearnedSeparator`.

    Raises:
        ValueError: a name or number is not possible.
    """

    def __init__(
        self,
        hidden: int = 256,
        blocks: int = 4,
        segment: int = 250,
        carries: str = "both",
        epsilon: float = 1e-8,
        **filters: Any,
    ) -> None:
        super().__init__(**filters)
        if carries not in _CARRIES:
            raise ValueError(f"carries is {carries!r}: choose from {', '.join(sorted(_CARRIES))}")
        self.segment = segment
        self.network = nn.ModuleList(ResidualSegment(self.basis, hidden, epsilon) for _ in range(blocks))
        self.memories = nn.ModuleList(ResidualMemory(hidden, carries, epsilon) for _ in range(blocks - 1))
        self.activation = nn.PReLU()
        self.mask = nn.Conv1d(self.basis, self.sources * self.basis, 1)

    def initial_network_state(self, batch: int) -> State:
        states = [self.mask.weight.new_zeros(1, batch, _units(block)) for block in self.network for _ in range(2)]
        for memory in self.memories:
            states += memory.initial_state(batch) if isinstance(memory, ResidualMemory) else ()
        return tuple(states)

    def masks(self, features: Tensor, state: State, segments: int = 1) -> tuple[Tensor, State]:
        hidden, after = run_segments(self.network, self.memories, features.transpose(1, 2), state, segments)
        masks = self.mask(self.activation(hidden.transpose(1, 2)))
        return masks.unflatten(1, (self.sources, -1)), after

    def end_network_segment(self, state: State) -> State:
        return end_segments(len(self.network), self.memories, state)


def _units(block: nn.Module) -> int:
    """Units of a block's state; the state of a block that pruning has removed is empty."""
    return block.lstm.hidden_size if isinstance(block, ResidualSegment) else 0
