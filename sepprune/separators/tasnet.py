"""The base of the causal separators that mask the output of a learned encoder."""

from __future__ import annotations

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .activations import activation
from .base import CausalSeparator, State


class FilterEncoder(nn.Module):
    """Learned analysis filters without a fixed start.

    Shape:
        - signal: ``(batch, window - hop + hop * frames)``, the past first
        - result: ``(batch, basis, frames)``
    """

    def __init__(self, basis: int, hop: int, window: int) -> None:
        super().__init__()
        self.hop, self.window = hop, window
        self.weight = nn.Parameter(torch.empty(basis, 1, window))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, signal: Tensor) -> Tensor:
        frames = signal.unfold(1, self.window, self.hop)
        return F.linear(frames, self.weight.squeeze(1)).transpose(1, 2)


class FilterDecoder(nn.Module):
    """Learned synthesis filters with overlap-add, of a window of any whole number of hops.

    Shape:
        - features: ``(rows, basis, frames)``; tail: ``(rows, window - hop)``
        - waveform: ``(rows, hop * frames)``
    """

    def __init__(self, basis: int, hop: int, window: int) -> None:
        super().__init__()
        self.hop, self.window = hop, window
        self.weight = nn.Parameter(torch.empty(basis, 1, window))
        nn.init.xavier_uniform_(self.weight)

    def initial_state(self, rows: int) -> Tensor:
        return self.weight.new_zeros(rows, self.window - self.hop)

    def forward(self, features: Tensor, tail: Tensor) -> tuple[Tensor, Tensor]:
        pieces = torch.matmul(features.transpose(1, 2), self.weight.squeeze(1)).split(self.hop, dim=2)
        frames, later = features.shape[2], len(pieces) - 1
        # hop ``i`` of the window of frame ``f`` falls on hop ``f + i``; the last hops are the new tail
        hops = F.pad(tail.unflatten(1, (later, self.hop)), (0, 0, 0, frames)) if later else torch.zeros_like(pieces[0])
        for index, piece in enumerate(pieces):
            hops = hops + F.pad(piece, (0, 0, index, later - index))
        return hops[:, :frames].flatten(1), hops[:, frames:].flatten(1)


class LearnedSeparator(CausalSeparator):
    """Learned encoder, one mask a source, learned decoder: what the families of TasNet share.

    Luo and Mesgarani, "Conv-TasNet: surpassing ideal time-frequency magnitude masking for speech separation", TASLP
    2019, section II. A frame ends at the last sample of its hop. A stream starts after silence: the first windows
    have zeros before the first sample.

    A family builds its network and implements :meth:`initial_network_state`, :meth:`masks` and, where its
    state needs upkeep, :meth:`end_network_segment`.

    Args:
        basis: filters of encoder and decoder.
        encoder_activation: after the encoder, see :func:`~sepprune.separators.activations.activation`.
        mask_activation: of the masks; ``softmax`` makes the masks of a frame sum to one.
        sources: number of sources.
        hop: samples between two frames.
        window: samples under one filter, a whole number of hops, the algorithmic latency.
        sample_rate: in hertz.

    Raises:
        ValueError: the window is not a whole number of hops, or there is no such activation.
    """

    def __init__(
        self,
        basis: int = 512,
        encoder_activation: str = "relu",
        mask_activation: str = "relu",
        sources: int = 2,
        hop: int = 16,
        window: int = 32,
        sample_rate: int = 16_000,
    ) -> None:
        super().__init__(sources, hop, window, sample_rate)
        if hop < 1 or window < hop or window % hop:
            raise ValueError(
                f"a window of {window} samples with a hop of {hop} samples: use a window of a whole number of hops"
            )
        self.basis, self.past = basis, window - hop
        self.encoder = FilterEncoder(basis, hop, window)
        self.encoder_activation = activation(encoder_activation)
        self.mask_activation = activation(mask_activation)
        self.decoder = FilterDecoder(basis, hop, window)

    @abstractmethod
    def masks(self, features: Tensor, state: State, segments: int = 1) -> tuple[Tensor, State]:
        """Masks for every frame, before their activation.

        Args:
            features: of the encoder.
            state: network state before the first frame.
            segments: into how many whole segments the frames divide; 1 also for a part of a segment.

        Shape:
            - features: ``(batch, basis, frames)``
            - masks: ``(batch, sources, basis, frames)``
        """

    @property
    def own_tensors(self) -> int:
        return 2

    def initial_state(self, batch: int = 1) -> State:
        past = self.encoder.weight.new_zeros(batch, self.past)
        return (past, self.decoder.initial_state(batch * self.sources), *self.initial_network_state(batch))

    def separate(self, signal: Tensor, state: State, segments: int = 1) -> tuple[Tensor, State]:
        tail, *network = state
        features = self.encoder_activation(self.encoder(signal))
        masks, after = self.masks(features, tuple(network), segments)
        masked = self.mask_activation(masks) * features.unsqueeze(1)
        waveforms, tail = self.decoder(masked.flatten(0, 1), tail)
        return waveforms.unflatten(0, (-1, self.sources)), (tail, *after)
