from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sepprune.errors import UserError
from sepprune.resources import asset
from sepprune.streaming import Ladder, StreamingSeparator
from sepprune.streaming.files import read_mono, resampled, separate_signal, within_band
from tests.streaming.ladders import babble


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
def test_any_rate_becomes_the_ladders_with_the_duration_kept(tmp_path: Path, rate: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
    soundfile.write(tmp_path / "tone.wav", tone, rate, subtype="FLOAT")
    signal, _ = read_mono(tmp_path / "tone.wav", 16_000)
    middle = slice(2_000, 14_000)
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert len(signal) == 16_000
    np.testing.assert_allclose(signal[middle], expected[middle], atol=1e-2)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_an_offset_has_no_edges_at_another_rate(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "offset.wav", np.full(rate, 0.3, np.float32), rate, subtype="FLOAT")
    signal, _ = read_mono(tmp_path / "offset.wav", 16_000)
    assert len(signal) == 16_000
    np.testing.assert_allclose(signal, 0.3, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 8])
def test_channels_that_agree_are_averaged(tmp_path: Path, channels: int) -> None:
    generator = np.random.default_rng(0)  # channels of one microphone array: the same sound, and noise of their own
    samples = generator.uniform(-0.8, 0.8, (100, 1)) + generator.uniform(-0.2, 0.2, (100, channels))
    soundfile.write(tmp_path / "many.wav", samples, 16_000, subtype="FLOAT")
    np.testing.assert_allclose(read_mono(tmp_path / "many.wav", 16_000)[0], samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_one_sample_is_a_recording(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "one.wav", np.ones(1, np.float32), rate, subtype="FLOAT")
    assert len(read_mono(tmp_path / "one.wav", 16_000)[0]) == max(1, 16_000 // rate)


def test_samples_that_are_not_finite_are_zero_and_counted(tmp_path: Path) -> None:
    samples = np.array([0.5, np.nan, np.inf, -0.5], np.float32)
    soundfile.write(tmp_path / "bad.wav", samples, 16_000, subtype="FLOAT")
    signal, bad = read_mono(tmp_path / "bad.wav", 16_000)
    assert (signal.tolist(), bad) == ([0.5, 0.0, 0.0, -0.5], 2)


def test_an_empty_recording_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.float32), 16_000)
    with pytest.raises(UserError, match="empty.wav has no samples"):
        read_mono(tmp_path / "empty.wav", 16_000)


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not a sound")
    with pytest.raises(UserError, match="text.wav is no sound file"):
        read_mono(tmp_path / "text.wav", 16_000)


@pytest.mark.parametrize("samples", [1, 31, 32, 33, 1000])
def test_sources_are_as_long_as_the_mixture_and_aligned_with_it(tcn_ladder: Ladder, samples: int) -> None:
    stream, mixture = StreamingSeparator(tcn_ladder, 0, 8, "torch"), babble(0.1)
    whole, _ = separate_signal(stream, mixture)
    part, _ = separate_signal(stream, mixture[:samples])
    assert part.shape == (2, samples)
    settled = max(0, samples - 64)  # the window: later samples hear what follows, here zeros, there speech
    np.testing.assert_allclose(part[:, :settled], whole[:, :settled], atol=1e-6)


@pytest.mark.parametrize("rate", [1, 999, 67_000_000])
def test_a_rate_that_no_microphone_has_is_refused(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "odd.wav", np.zeros(10), rate)
    with pytest.raises(UserError, match=f"sample rate of {rate} Hz"):
        read_mono(tmp_path / "odd.wav", 16_000)


def test_a_sparse_file_of_ten_gigabytes_is_refused_before_it_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "large.w64", np.zeros(10), 16_000)
    content = bytearray((tmp_path / "large.w64").read_bytes())
    place = content.index(b"data\xf3\xac")  # the chunk's name; its size follows after 16 bytes
    content[place + 16 : place + 24] = (10 * 2**30).to_bytes(8, "little")
    (tmp_path / "large.w64").write_bytes(content)
    os.truncate(tmp_path / "large.w64", 10 * 2**30)
    with pytest.raises(UserError, match="hours, expected at most 3"):
        read_mono(tmp_path / "large.w64", 16_000)


def test_a_long_file_is_read_in_parts_without_a_seam(tmp_path: Path) -> None:
    time = np.arange(600_000) / 44_100
    soundfile.write(tmp_path / "tone.wav", np.sin(2 * np.pi * 440 * time), 44_100, subtype="FLOAT")
    signal, _ = read_mono(tmp_path / "tone.wav", 16_000)
    expected = np.sin(2 * np.pi * 440 * np.arange(len(signal)) / 16_000)
    assert len(signal) == round(600_000 * 16_000 / 44_100)
    np.testing.assert_allclose(signal[2_000:-2_000], expected[2_000:-2_000], atol=1e-2)


def _above(signal: np.ndarray, hertz: float, rate: int) -> float:
    """Energy above a frequency, in dB relative to all of it."""
    power = np.square(np.abs(np.fft.rfft(signal * np.blackman(len(signal)))))
    return 10 * np.log10(power[np.fft.rfftfreq(len(signal), 1 / rate) > hertz].sum() / power.sum())


def test_sources_of_a_telephone_recording_have_nothing_above_its_band() -> None:
    ladder = Ladder.load(None)
    mixture, _ = read_mono(asset("demo/mixture.flac"), 8_000)
    mixture = np.concatenate(list(resampled([mixture[:32_000, None]], 8_000, 16_000)))[:, 0]
    with StreamingSeparator(ladder, 0, 8, "torch") as stream:
        full, _ = separate_signal(stream, mixture)
        narrow, _ = separate_signal(stream, mixture, 8_000)
    assert max(_above(source, 4_100, 16_000) for source in full) > -50
    assert max(_above(source, 4_100, 16_000) for source in narrow) < -90
    assert np.square(narrow - full).sum() < 1e-3 * np.square(full).sum()


@given(samples=st.integers(1, 3_000), part=st.integers(1, 700), rate=st.sampled_from([7_999, 8_000, 11_025, 16_000]))
def test_sources_within_a_band_have_the_same_length_and_no_delay(samples: int, part: int, rate: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(samples) / 16_000).astype(np.float32)
    sources = np.stack([tone, -tone])
    parts = (sources[:, start : start + part] for start in range(0, samples, part))
    result = np.concatenate(list(within_band(parts, 16_000, rate)), axis=1)
    assert result.shape == sources.shape
    middle = slice(400, max(400, samples - 400))
    np.testing.assert_allclose(result[:, middle], sources[:, middle], atol=1e-3)
