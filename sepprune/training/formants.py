"""Other speakers from the same voice: the formants move, the pitch does not."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_WINDOW, _HOP = 512, 128
#: cepstral coefficients of the envelope: 1.9 ms, less than the pitch period of any speaking voice
_ENVELOPE = 30
#: largest change of a band, in nepers (20 dB)
_LIMIT = 2.3


def move_formants(voices: Tensor, factor: Tensor) -> Tensor:
    """Stretch the spectral envelopes of voices along frequency.

    The envelope of each short-time spectrum is its smoothed cepstrum (Oppenheim and Schafer, 1968). Every bin gets the
    gain that turns its envelope into that of the bin ``1 / factor`` as high. Both the envelope and the difference of
    the two envelopes are linear in the logarithmic spectrum, so a product with two small matrices gives the gains.

    Args:
        voices: at any level.
        factor: above 1 for a shorter vocal tract, ``(rows,)``.

    Shape:
        - voices and result: ``(rows, samples)``

    >>> voice = torch.randn(1, 1600)
    >>> torch.allclose(move_formants(voice, torch.ones(1)), voice, atol=1e-4)
    True
    """
    length = voices.shape[1]
    window = torch.hann_window(_WINDOW, device=voices.device)
    padded = F.pad(voices, (_WINDOW, _WINDOW + -length % _HOP))
    spectrum = torch.fft.rfft(padded.unfold(1, _WINDOW, _HOP) * window)
    logarithm = (spectrum.real.square() + spectrum.imag.square() + 1e-10).log() / 2
    analysis, synthesis = _matrices(factor)
    gain = ((logarithm @ analysis) @ synthesis).clamp(-_LIMIT, _LIMIT).exp()
    frames = torch.fft.irfft(spectrum * gain) * window
    return _overlap_added(frames)[:, _WINDOW : _WINDOW + length] / 1.5  # the sum of four overlapping squared windows


def _overlap_added(frames: Tensor) -> Tensor:
    """Frames, ``(rows, frames, _WINDOW)``, added at their places; several times as fast as :func:`F.fold`."""
    rows, count, _ = frames.shape
    parts = frames.view(rows, count, _WINDOW // _HOP, _HOP)
    total = frames.new_zeros(rows, count + _WINDOW // _HOP - 1, _HOP)
    for place in range(_WINDOW // _HOP):
        total[:, place : place + count] += parts[:, :, place]
    return total.flatten(1)


def _matrices(factor: Tensor) -> tuple[Tensor, Tensor]:
    """From logarithmic spectra to cepstra, and from these to the difference of the stretched and the own envelope.

    Shape:
        - ``(bins, coefficients)`` and ``(rows, coefficients, bins)``
    """
    bins = torch.arange(_WINDOW // 2 + 1, device=factor.device)
    numbers = torch.arange(_ENVELOPE, device=factor.device)
    cosines = (2 * math.pi / _WINDOW * (numbers[:, None] * bins % _WINDOW)).cos()
    # transforms of even sequences: every bin but the first and the last, and every number but the first, counts twice
    twice = 2 - ((bins == 0) | (bins == _WINDOW // 2)).float()
    analysis = (cosines * twice / _WINDOW).T
    envelope = cosines * (2 - (numbers == 0).float())[:, None]
    wanted = (bins / factor[:, None]).clamp_max(len(bins) - 1.001)
    below = wanted.floor().long()
    share = wanted - below
    stretched = envelope[:, below] * (1 - share) + envelope[:, below + 1] * share
    return analysis, stretched.transpose(0, 1) - envelope
