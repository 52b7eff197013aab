import numpy as np
import pytest
import torch

from sepprune.data.corpus import SAMPLE_RATE, Voices
from sepprune.training.device_sounds import Ring


def tone(hertz: float, seconds: float = 4.0) -> Voices:
    """One speaker, who whistles."""
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)
    return Voices((wave * 32767).round().astype(np.int16), (((0, len(wave)),),))


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.15])
def test_a_voice_played_faster_sounds_higher_by_as_much(factor: float) -> None:
    played = Ring(tone(1000.0), doubled=True).played(
        torch.tensor([0]), torch.tensor([777.0]), torch.tensor([factor]), SAMPLE_RATE
    )
    spectrum = torch.fft.rfft(played[0] * torch.hann_window(SAMPLE_RATE)).abs().square()
    near = slice(round(1000 * factor) - 3, round(1000 * factor) + 4)
    assert 10 * torch.log10(spectrum[near].sum() / (spectrum.sum() - spectrum[near].sum())) > 55


def test_a_ring_goes_on_from_its_start() -> None:
    voices = Voices(np.arange(300, dtype=np.int16), (((0, 100),), ((100, 150), (150, 300))))
    read = Ring(voices).read(torch.tensor([1]), torch.tensor([190.0]), 20) * 32768
    assert read[0].tolist() == [*range(290, 300), *range(100, 110)]
