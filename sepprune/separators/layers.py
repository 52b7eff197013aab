"""Layers that the causal separators share: the filterbank and stateful convolution."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def asymmetric_windows(hop: int, window: int, analysis_window: int) -> tuple[Tensor, Tensor]:
    """Analysis and synthesis windows whose product overlap-adds to one.

    The analysis window rises slowly over the past and falls quickly at the present; the synthesis window covers
    only its last ``window`` samples (Mauler and Martin, "A low delay, variable resolution, perfect
    reconstruction spectral analysis-synthesis system for speech enhancement", EUSIPCO 2007). Frequency
    resolution comes from the long one, latency from the short one.

    Shape:
        - analysis: ``(analysis_window,)``, synthesis: ``(window,)``

    >>> analysis, synthesis = asymmetric_windows(128, 256, 512)
    >>> product = analysis[-256:] * synthesis
    >>> bool(torch.allclose(product[:128] + product[128:], torch.ones(128)))
    True
    """
    if not 2 * hop == window <= analysis_window:
        raise ValueError(f"a filterbank of hop {hop}, window {window} and analysis window {analysis_window} samples "
                         "does not reconstruct: use window = 2 * hop and an analysis window at least as long")
    rise = analysis_window - hop
    slow = torch.sin(math.pi / 2 * (torch.arange(rise) + 0.5) / rise)
    fall = torch.cos(math.pi / 2 * (torch.arange(hop) + 0.5) / hop)
    analysis = torch.cat([slow, fall])
    hann = torch.sin(math.pi / 2 * (torch.arange(hop) + 0.5) / hop).square()
    synthesis = torch.cat([hann / slow[-hop:], fall])
    return analysis, synthesis


def _fourier(analysis_window: int) -> Tensor:
    """Real and imaginary rows of the Fourier basis without the constant, ``(analysis_window, analysis_window)``."""
    bins = analysis_window // 2
    phase = 2 * math.pi / analysis_window * torch.outer(torch.arange(1, bins + 1), torch.arange(analysis_window))
    return torch.cat([phase.cos(), -phase.sin()])


class Encoder(nn.Module):
    """Learned analysis filterbank, started as a short-time Fourier transform.

    Real and imaginary parts of bins 1 to ``analysis_window / 2`` (a voice has nothing at 0 Hz). A frame ends at
    the last sample of its hop: nothing ahead of it is needed.

    Shape:
        - mixture: ``(batch, hop * frames)``; past: ``(batch, analysis_window - hop)``
        - spectrum: ``(batch, analysis_window, frames)``
    """

    def __init__(self, hop: int, window: int, analysis_window: int) -> None:
        super().__init__()
        self.hop, self.analysis_window = hop, analysis_window
        analysis, _ = asymmetric_windows(hop, window, analysis_window)
        basis = _fourier(analysis_window) * analysis
        self.weight = nn.Parameter((basis / analysis.norm()).unsqueeze(1))

    def initial_state(self, batch: int) -> Tensor:
        return self.weight.new_zeros(batch, self.analysis_window - self.hop)

    def forward(self, mixture: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        signal = torch.cat([past, mixture], dim=1)
        spectrum = F.conv1d(signal.unsqueeze(1), self.weight, stride=self.hop)
        return spectrum, signal[:, -past.shape[1]:]


class Decoder(nn.Module):
    """Learned synthesis filterbank with overlap-add, started as the inverse of :class:`Encoder`.

    Shape:
        - spectrum: ``(batch, analysis_window, frames)``; tail: ``(batch, window - hop)``
        - waveform: ``(batch, hop * frames)``
    """

    def __init__(self, hop: int, window: int, analysis_window: int) -> None:
        super().__init__()
        self.hop, self.window = hop, window
        analysis, synthesis = asymmetric_windows(hop, window, analysis_window)
        basis = _fourier(analysis_window) * (2 / analysis_window) * analysis.norm()
        basis[[analysis_window // 2 - 1, -1]] /= 2  # the Nyquist bin has no mirror image
        self.weight = nn.Parameter((basis[:, -window:] * synthesis).unsqueeze(1))

    def initial_state(self, batch: int) -> Tensor:
        return self.weight.new_zeros(batch, self.window - self.hop)

    def forward(self, spectrum: Tensor, tail: Tensor) -> tuple[Tensor, Tensor]:
        waveform = F.conv_transpose1d(spectrum, self.weight, stride=self.hop).squeeze(1)
        overlap, length = tail.shape[1], waveform.shape[1] - tail.shape[1]
        waveform = torch.cat([waveform[:, :overlap] + tail, waveform[:, overlap:]], dim=1)
        return waveform[:, :length], waveform[:, length:]
