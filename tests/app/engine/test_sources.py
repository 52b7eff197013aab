"""Files at live speed: every sample once and on schedule, for every kind of file; and microphones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.engine.clock import VirtualClock
from app.engine.ports import InputPort
from app.engine.sources import FileSource, MicrophoneSource
from sepprune.errors import UserError

CHUNK = 128
Write = Callable[..., Path]


class Flags:
    """The part of ``sounddevice.CallbackFlags`` that ports read."""

    def __init__(self, overflow: bool = False) -> None:
        self.input_overflow, self.output_underflow = overflow, False


def play(source: FileSource, clock: VirtualClock, chunks: int | None = None) -> tuple[np.ndarray, list[float]]:
    """Everything that the source gives, and the times of arrival that it states."""
    samples, times = [], []
    while not source.ended and (chunks is None or len(samples) < chunks):
        if (item := source.read()) is None:
            source.wait(1.0)
            continue
        samples.append(item[0])
        times.append(item[1])
    return np.concatenate(samples), times


@given(st.integers(1, 1000), st.integers(0, 300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_a_file_at_the_model_rate_is_given_sample_for_sample_then_silence(
    sound: Write, samples: int, tail: int
) -> None:
    content = np.random.default_rng(samples).uniform(-1, 1, samples).astype(np.float32)
    clock = VirtualClock()
    got, _ = play(FileSource(sound(content), CHUNK, 16_000, clock, tail=tail), clock)
    chunks = -(-(samples + tail) // CHUNK)
    np.testing.assert_array_equal(got, np.pad(content, (0, chunks * CHUNK - samples)))


@pytest.mark.parametrize("channels", [1, 2, 8])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_any_rate_and_channel_count_gives_the_same_tone(sound: Write, rate: int, channels: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate)[:, None].repeat(channels, axis=1)
    clock = VirtualClock()
    got, _ = play(FileSource(sound(tone, rate), CHUNK, 16_000, clock), clock)
    expected = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert np.abs(got[1000:15_000] - expected[1000:15_000]).max() < 1e-3


def test_chunks_are_due_on_an_absolute_schedule(sound: Write) -> None:
    clock = VirtualClock()
    _, times = play(FileSource(sound(np.zeros(16_000)), CHUNK, 16_000, clock), clock)
    np.testing.assert_allclose(times, 0.008 * np.arange(1, 126), atol=1e-9)


def test_a_late_reader_catches_up_without_losing_a_sample(sound: Write) -> None:
    content, clock = np.random.default_rng(0).uniform(-1, 1, 12_800).astype(np.float32), VirtualClock()
    source = FileSource(sound(content), CHUNK, 16_000, clock)
    play(source, clock, chunks=10)
    clock.advance(0.5)
    got, times = play(source, clock)
    np.testing.assert_array_equal(got, content[1280:])
    np.testing.assert_allclose(times[-1], 0.8, atol=1e-9)


def test_a_reader_late_by_more_than_a_second_restarts_the_schedule_and_counts_a_stall(sound: Write) -> None:
    clock = VirtualClock()
    source = FileSource(sound(np.zeros(16_000)), CHUNK, 16_000, clock)
    play(source, clock, chunks=1)
    clock.advance(3.0)
    play(source, clock, chunks=1)
    assert source.counts()["stalls"] == 1 and source.read() is None


@pytest.mark.parametrize("samples", [1, 100, 128, 1000])
def test_a_looped_file_continues_without_a_gap(sound: Write, samples: int) -> None:
    content = np.random.default_rng(0).uniform(-1, 1, samples).astype(np.float32)
    clock = VirtualClock()
    got, _ = play(FileSource(sound(content), CHUNK, 16_000, clock, loop=True), clock, chunks=20)
    np.testing.assert_array_equal(got, np.resize(content, 20 * CHUNK))


def test_a_paused_file_waits(sound: Write) -> None:
    content, clock = np.arange(1, 1281, dtype=np.float32), VirtualClock()
    source = FileSource(sound(content), CHUNK, 16_000, clock)
    first, _ = play(source, clock, chunks=2)
    source.paused = True
    silence, _ = play(source, clock, chunks=5)
    source.paused = False
    rest, _ = play(source, clock)
    np.testing.assert_array_equal(np.concatenate([first, rest]), content)
    assert not silence.any()


def test_samples_that_are_not_numbers_become_silence_and_are_counted(sound: Write) -> None:
    content = np.full(4_410, 0.5, np.float32)
    content[[100, 200, 300]] = np.nan, np.inf, -np.inf
    clock = VirtualClock()
    source = FileSource(sound(content, 44_100), CHUNK, 16_000, clock)
    got, _ = play(source, clock)
    assert np.isfinite(got).all() and source.counts()["bad_samples"] == 3


def test_an_empty_file_is_a_sentence(sound: Write) -> None:
    with pytest.raises(UserError, match="has no samples"):
        FileSource(sound(np.zeros(0)), CHUNK, 16_000, VirtualClock())


def test_a_file_that_is_no_sound_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is not a RIFF file")
    with pytest.raises(UserError, match="is no sound file that can be read"):
        FileSource(tmp_path / "text.wav", CHUNK, 16_000, VirtualClock())


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no sound file"):
        FileSource(tmp_path / "nothing.wav", CHUNK, 16_000, VirtualClock())


@pytest.mark.parametrize("channels", [1, 2])
def test_a_microphone_s_blocks_become_chunks_stamped_with_their_last_block(channels: int) -> None:
    now = [0.0]
    port = InputPort(16_000, channels, clock=lambda: now[0])
    source = MicrophoneSource(port, "test", CHUNK, 16_000)
    content = np.random.default_rng(0).uniform(-1, 1, (1000, channels)).astype(np.float32)
    for index, block in enumerate(np.split(content, 10)):
        now[0] = float(index)
        port.callback(block, len(block), None, Flags())
    chunks = list(iter(source.read, None))
    np.testing.assert_allclose(np.concatenate([chunk for chunk, _ in chunks]), content[:896].mean(axis=1), atol=1e-7)
    assert [time for _, time in chunks] == [1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0]


def test_a_microphone_counts_what_the_driver_and_the_ring_lost() -> None:
    port = InputPort(16_000, 1)
    source = MicrophoneSource(port, "test", CHUNK, 16_000)
    for _ in range(3):
        port.callback(np.zeros((4000, 1), np.float32), 4000, None, Flags(overflow=True))
    assert dict(source.counts()) == {"input_overflows": 3, "ring_overruns": 1} and not source.counts()


def test_a_microphone_notices_how_long_it_has_been_silent() -> None:
    port = InputPort(16_000, 1)
    source = MicrophoneSource(port, "test", CHUNK, 16_000)
    port.callback(np.zeros((1600, 1), np.float32), 1600, None, Flags())
    source.read()
    assert source.silent_s == pytest.approx(0.1)


def counted(sound: Write, seconds: float = 2.0) -> tuple[FileSource, VirtualClock]:
    """A file whose samples are their own numbers, divided by 100,000."""
    clock = VirtualClock()
    return FileSource(sound(np.arange(int(16_000 * seconds)) / 1e5), CHUNK, 16_000, clock, loop=True), clock


def numbers(samples: np.ndarray) -> np.ndarray:
    return np.rint(samples * 1e5).astype(int)


def test_a_passage_is_repeated_sample_for_sample(sound: Write) -> None:
    source, clock = counted(sound)
    source.passage = (0.5, 1.25)
    got, _ = play(source, clock, chunks=250)
    np.testing.assert_array_equal(numbers(got), np.resize(np.arange(8_000, 20_000), len(got)))


def test_a_passage_that_is_let_go_continues_to_the_end_of_the_file(sound: Write) -> None:
    source, clock = counted(sound)
    source.passage = (0.5, 1.25)
    play(source, clock, chunks=10)
    source.passage = None
    got, _ = play(source, clock, chunks=100)
    assert numbers(got)[-1] > 20_000 and set(np.diff(numbers(got))) == {1}


def test_a_short_passage_is_made_half_a_second_long(sound: Write) -> None:
    source, clock = counted(sound)
    source.passage = (1.9, 1.91)
    got, _ = play(source, clock, chunks=100)
    assert (numbers(got).min(), numbers(got).max()) == (24_000, 31_999)


def test_a_file_continues_where_it_was_sought(sound: Write) -> None:
    source, clock = counted(sound)
    play(source, clock, chunks=20)
    source.seek(1.0)
    got, _ = play(source, clock, chunks=20)
    np.testing.assert_array_equal(numbers(got), np.arange(16_000, 16_000 + 20 * CHUNK))
    assert source.position == pytest.approx(1.16, abs=0.001) and source.duration == 2.0


@pytest.mark.parametrize("seconds", [-3.0, 99.0])
def test_a_position_outside_the_file_is_its_nearest_end(sound: Write, seconds: float) -> None:
    source, clock = counted(sound)
    source.seek(seconds)
    got, _ = play(source, clock, chunks=1)
    assert numbers(got)[0] == (0 if seconds < 0 else 31_999)


def test_a_file_that_has_ended_stays_ended(sound: Write) -> None:
    source, clock = counted(sound, 0.1)
    source.loop = False
    play(source, clock)
    source.seek(0.0)
    assert source.ended and source.read() is None
