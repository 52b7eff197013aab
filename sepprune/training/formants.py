"""Other speakers out of the same voice: resonances of the vocal tract moved, pitch left where it is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_WINDOW, _HOP = 512, 128
#: cepstral coefficients that count as the envelope: 1.9 ms, less than the period of any speaking voice
_ENVELOPE = 30
#: no band is made louder or softer by more, in nepers (20 dB)
_LIMIT = 2.3


def move_formants(voices: Tensor, factor: Tensor) -> Tensor:
    """Shift the spectral envelopes of voices along frequency.

    The envelope of each short-time spectrum is its smoothed cepstrum (Oppenheim and Schafer, 1968); every bin is
    made louder or softer until it has the envelope of the bin ``1 / factor`` as high.

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
    logarithm = (spectrum.abs().square() + 1e-10).log() / 2
    cepstrum = torch.fft.irfft(logarithm)[..., :_ENVELOPE]
    # twice the rest and once the first: the other half of an even sequence
    envelope = 2 * torch.fft.rfft(cepstrum, _WINDOW).real - cepstrum[..., :1]
    bins = envelope.shape[-1]
    wanted = (torch.arange(bins, device=voices.device) / factor[:, None]).clamp_max(bins - 1.001)
    below = wanted.floor().long()
    share = (wanted - below)[:, None]
    below = below[:, None].expand_as(envelope)
    moved = envelope.gather(2, below) * (1 - share) + envelope.gather(2, below + 1) * share
    gain = (moved - envelope).clamp(-_LIMIT, _LIMIT).exp()
    frames = torch.fft.irfft(spectrum * gain) * window
    total = F.fold(frames.transpose(1, 2), (1, padded.shape[1]), (1, _WINDOW), stride=(1, _HOP)).flatten(1)
    return total[:, _WINDOW : _WINDOW + length] / 1.5  # what four squared windows add up to
