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
        raise ValueError(
            f"a filterbank of hop {hop}, window {window} and analysis window {analysis_window} samples "
            "does not reconstruct: use window = 2 * hop and an analysis window at least as long"
        )
    rise = analysis_window - hop
    slow = torch.sin(math.pi / 2 * (torch.arange(rise) + 0.5) / rise)
    fall = torch.cos(math.pi / 2 * (torch.arange(hop) + 0.5) / hop)
    analysis = torch.cat([slow, fall])
    hann = torch.sin(math.pi / 2 * (torch.arange(hop) + 0.5) / hop).square()
    synthesis = torch.cat([hann / slow[-hop:], fall])
    return analysis, synthesis


#: added to power before the logarithm: about -80 dB re full scale, below any microphone's noise
FLOOR = 1e-8
#: of the logarithm of power, which then runs from about -1 to 1 for speech once 1 is added
LEVEL_SCALE = 0.2


def log_level(power: Tensor, gain: Tensor | None = None) -> Tensor:
    """The logarithm of power, times a gain where there is one, on the scale that networks read; of any shape."""
    if gain is not None:
        power = power * gain
    return (power + FLOOR).log() * LEVEL_SCALE + 1.0


def _fourier(window: int, bins: int) -> Tensor:
    """Real and imaginary rows of the Fourier basis without the constant, ``(2 * bins, window)``."""
    phase = 2 * math.pi / window * torch.outer(torch.arange(1, bins + 1), torch.arange(window))
    return torch.cat([phase.cos(), -phase.sin()])


class Encoder(nn.Module):
    """Learned analysis filterbank, started as a short-time Fourier transform.

    Real and imaginary parts of bins 1 to ``bins`` (a voice has nothing at 0 Hz). A frame ends at the last sample
    of its hop: nothing ahead of it is needed.

    Args:
        hop: samples between two frames.
        window: samples under a synthesis window.
        analysis_window: samples under an analysis window.
        bins: how many of the ``analysis_window / 2`` bins, lowest first; all by default.

    Shape:
        - frames: ``(batch, frames, at least analysis_window)``, each ends at the last sample of a hop
        - spectrum: ``(batch, 2 * bins, frames)``
    """

    def __init__(self, hop: int, window: int, analysis_window: int, bins: int | None = None) -> None:
        super().__init__()
        self.analysis_window = analysis_window
        analysis, _ = asymmetric_windows(hop, window, analysis_window)
        basis = _fourier(analysis_window, analysis_window // 2 if bins is None else bins) * analysis
        self.weight = nn.Parameter((basis / analysis.norm()).unsqueeze(1))

    def forward(self, frames: Tensor) -> Tensor:
        # a product of frames, not a convolution: in bf16 on a CPU a convolution of one channel is several times slower
        return F.linear(frames[..., frames.shape[-1] - self.analysis_window :], self.weight.squeeze(1)).transpose(1, 2)


class Decoder(nn.Module):
    """Learned synthesis filterbank with overlap-add, started as the inverse of :class:`Encoder`.

    Shape:
        - spectrum: ``(batch, analysis_window, frames)``; tail: ``(batch, hop)``
        - waveform: ``(batch, hop * frames)``
    """

    def __init__(self, hop: int, window: int, analysis_window: int) -> None:
        super().__init__()
        self.hop, self.window = hop, window
        analysis, synthesis = asymmetric_windows(hop, window, analysis_window)
        basis = _fourier(analysis_window, analysis_window // 2) * (2 / analysis_window) * analysis.norm()
        basis[[analysis_window // 2 - 1, -1]] /= 2  # the Nyquist bin has no mirror image
        self.weight = nn.Parameter((basis[:, -window:] * synthesis).unsqueeze(1))

    def initial_state(self, batch: int) -> Tensor:
        return self.weight.new_zeros(batch, self.window - self.hop)

    def forward(self, spectrum: Tensor, tail: Tensor) -> tuple[Tensor, Tensor]:
        frames = torch.matmul(spectrum.transpose(1, 2), self.weight.squeeze(1))
        starts, ends = frames.split(self.hop, dim=2)  # a window is two hops
        overlap = torch.cat([tail.unsqueeze(1).to(ends.dtype), ends[:, :-1]], dim=1)
        return (starts + overlap).flatten(1), ends[:, -1]
