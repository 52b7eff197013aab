"""The base of the causal separators that mask a spectrum."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from .base import CausalSeparator, State
from .consistency import Consistency
from .input_level import InputLevel
from .layers import Decoder, Encoder, log_level


class SpectralSeparator(CausalSeparator):
    """Filterbank, mask arithmetic and mixture consistency, shared by the causal families that mask a spectrum.

    A family builds its network and implements :meth:`initial_network_state`, :meth:`masks` and, where its
    state needs upkeep, :meth:`end_network_segment`.

    The :class:`~sepprune.separators.layers.Encoder` has a long window that reaches only into the past; the
    :class:`~sepprune.separators.layers.Decoder` has a short one, which alone sets the algorithmic latency.

    Args:
        width: channels of what the masks are made from.
        sources: number of sources.
        hop: samples between two frames.
        window: samples under one synthesis window, the algorithmic latency.
        analysis_window: samples under one analysis window, even.
        sample_rate: in hertz.
        low_bins: bins of a second analysis, for features only: its window is long enough to resolve the harmonics of
            deep voices, and it covers only the past. 0 for none.
        low_window: samples under that window.
        consistency: units of the LSTM that shares the rest of the mixture out among the sources, see
            :class:`~sepprune.separators.consistency.Consistency`; 0 for none.
        input_level: level in dB re full scale, or lowest and highest one, to which the features of any input are
            brought, see :class:`~sepprune.separators.input_level.InputLevel`; the sources keep the input's own level,
            without its offset. 0 leaves features as loud as the input.
    """

    def __init__(
        self,
        width: int,
        sources: int = 2,
        hop: int = 128,
        window: int = 256,
        analysis_window: int = 512,
        sample_rate: int = 16_000,
        low_bins: int = 0,
        low_window: int = 1024,
        consistency: int = 0,
        input_level: int | Sequence[int] = 0,
    ) -> None:
        super().__init__(sources, hop, window, sample_rate)
        if low_bins > low_window // 2:
            raise ValueError(f"low_bins is {low_bins}: a low_window of {low_window} samples has {low_window // 2} bins")
        self.analysis_window = analysis_window
        self.bins, self.feature_bins = analysis_window // 2, analysis_window // 2 + low_bins
        self.encoder = Encoder(hop, window, analysis_window)
        self.low_encoder = Encoder(hop, window, low_window, low_bins) if low_bins else None
        self.past = max(analysis_window, low_window if low_bins else 0) - hop
        self.decoder = Decoder(hop, window, analysis_window)
        self.consistency = Consistency(width, consistency, sources, hop) if consistency else None
        ends = [input_level] if isinstance(input_level, int) else list(input_level)
        if len(ends) not in (1, 2):
            raise ValueError(f"input_level has {len(ends)} numbers: give one level, or the lower and the higher end")
        self.input_level = InputLevel(ends[0], ends[-1], hop, self.past, sample_rate) if any(ends) else None

    @abstractmethod
    def masks(self, features: Tensor, state: State, segments: int = 1) -> tuple[Tensor, Tensor, State]:
        """Complex masks for every frame, and what they are made from.

        Args:
            features: as :meth:`mask_features` gives them.
            state: network state before the first frame.
            segments: into how many whole segments the frames divide; 1 also for a part of a segment.

        Shape:
            - features: ``(batch, features, frames)``
            - masks: ``(batch, sources, 2 * bins, frames)``, real parts before imaginary parts
            - hidden: ``(batch, frames, width)``
        """

    def mask_features(self, power: Tensor, real: Tensor, imaginary: Tensor, gain: Tensor | None) -> Tensor:
        """What :meth:`masks` is made from: log magnitudes. A separator that reads more, such as phases, replaces this.

        Args:
            power: squared magnitudes of the spectrum, and of the low band as ``low_bins`` has it.
            real: real part of the spectrum of the mixture.
            imaginary: imaginary part of it.
            gain: by which the power of a frame is multiplied; ``None`` for 1.

        Shape:
            - power: ``(batch, feature_bins, frames)``
            - real, imaginary: ``(batch, bins, frames)``
            - gain: ``(batch, 1, frames)``
            - result: ``(batch, features, frames)``
        """
        return log_level(power, gain)

    @property
    def own_tensors(self) -> int:
        return 1 + sum(self._own)

    @property
    def _own(self) -> tuple[int, int, int]:
        """How many tensors of the state decoder, input level and mixture consistency carry."""
        return 1, int(self.input_level is not None), 0 if self.consistency is None else 3

    def initial_state(self, batch: int = 1) -> State:
        """State before the first sample, all zeros, as :meth:`step` takes it."""
        past = self.encoder.weight.new_zeros(batch, self.past)
        level = () if self.input_level is None else (self.input_level.initial_state(batch, past),)
        shares = () if self.consistency is None else self.consistency.initial_state(batch)
        return (
            past,
            self.decoder.initial_state(batch * self.sources),
            *level,
            *shares,
            *self.initial_network_state(batch),
        )

    def separate(self, signal: Tensor, state: State, segments: int = 1) -> tuple[Tensor, State]:
        """:meth:`step` on a signal that starts with its own :attr:`past`: what a backend compiles for one fixed chunk.

        The caller keeps the past, counts frames, and calls :meth:`end_segment` after every :attr:`segment` of them.

        Args:
            signal: the mixture after the samples that came before it.
            state: as :meth:`initial_state` has it, without its first tensor.
            segments: as in :meth:`masks`.

        Shape:
            - signal: ``(batch, past + samples)``, whole hops
            - sources: ``(batch, sources, samples)``, lagging by :attr:`delay` samples
        """
        tails, levels, shares, network = self._parts(state)
        if self.input_level is None:
            gain, frames = None, signal.unfold(1, self.past + self.hop, self.hop)
            delayed = signal[:, self.past - self.delay : -self.delay]
        else:
            gain, frames, delayed, *levels = self.input_level(signal, *levels)
        real, imaginary = self.encoder(frames).chunk(2, dim=1)
        power = _power(real, imaginary)
        if self.low_encoder is not None:
            power = torch.cat([power, _power(*self.low_encoder(frames).chunk(2, dim=1))], dim=1)
        masks, hidden, network = self.masks(self.mask_features(power, real, imaginary, gain), network, segments)
        mask_real, mask_imaginary = masks.chunk(2, dim=2)
        real, imaginary = real.unsqueeze(1), imaginary.unsqueeze(1)
        masked = torch.cat(
            [real * mask_real - imaginary * mask_imaginary, real * mask_imaginary + imaginary * mask_real], dim=2
        )
        waveforms, tail = self.decoder(masked.flatten(0, 1), *tails)
        sources = waveforms.unflatten(0, (-1, self.sources))
        if self.consistency is not None:
            sources, shares = self.consistency(delayed, sources, hidden, shares, gain)
        return sources, (tail, *levels, *shares, *network)

    def _parts(self, state: State) -> tuple[State, State, State, State]:
        """What decoder, input level, mixture consistency and network carry, out of the flat tuple."""
        tails, levels, shares = self._own
        return (
            state[:tails],
            state[tails : tails + levels],
            state[tails + levels : tails + levels + shares],
            state[tails + levels + shares :],
        )


def _power(real: Tensor, imaginary: Tensor) -> Tensor:
    return real.square() + imaginary.square()
