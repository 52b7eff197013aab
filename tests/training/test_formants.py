import pytest
import torch

from sepprune.training.formants import move_formants

RATE = 16_000


def vowel(pitch: float, resonance: float) -> torch.Tensor:
    """Half a second of harmonics under one resonance, ``(1, samples)``."""
    time = torch.arange(RATE // 2) / RATE
    harmonics = torch.arange(pitch, 7000, pitch)
    strength = 1 / (1 + ((harmonics - resonance) / 150).square())
    return 0.1 * (strength[:, None] * torch.sin(2 * torch.pi * harmonics[:, None] * time)).sum(0, keepdim=True)


def strongest(voice: torch.Tensor) -> float:
    """Frequency of its resonance in hertz."""
    power = torch.fft.rfft(voice[0] * torch.hann_window(voice.shape[1])).abs().square()
    frequency = torch.fft.rfftfreq(voice.shape[1], 1 / RATE)
    near = power > power.max() / 10
    return float((power[near] * frequency[near]).sum() / power[near].sum())


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.15, 1.3])
def test_a_resonance_moves_by_the_factor(factor: float) -> None:
    voice = vowel(pitch=100.0, resonance=1500.0)
    moved = move_formants(voice, torch.tensor([factor]))
    assert strongest(moved) == pytest.approx(1500 * factor, rel=0.06)


def test_pitch_stays() -> None:
    moved = move_formants(vowel(pitch=125.0, resonance=1500.0), torch.tensor([1.2]))
    power = torch.fft.rfft(moved[0, :8000] * torch.hann_window(8000)).abs().square()  # 2 Hz a bin
    harmonics = torch.arange(1, 60) * 62.5
    on = sum(power[round(float(h)) - 2 : round(float(h)) + 3].sum() for h in harmonics)
    assert on > 100 * (power.sum() - on)


def test_a_factor_of_one_changes_nothing() -> None:
    voice = torch.randn(3, 5001, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(move_formants(voice, torch.ones(3)), voice, atol=1e-4, rtol=0)


def test_silence_stays_silent() -> None:
    assert not move_formants(torch.zeros(1, 4000), torch.tensor([1.3])).any()


def test_rows_are_independent() -> None:
    voices = torch.randn(2, 4000, generator=torch.Generator().manual_seed(0))
    both = move_formants(voices, torch.tensor([0.9, 1.2]))
    torch.testing.assert_close(both[1:], move_formants(voices[1:], torch.tensor([1.2])))
