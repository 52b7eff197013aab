"""The loudspeaker's ring against a device that is simulated call by call."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.clock import VirtualClock
from app.engine.cushion import CALM_S, LEAST_S, LONGEST_S
from app.engine.ports import OutputPort
from app.engine.sinks import LoudspeakerSink, NullSink, crossfade, stretch

CHUNK, RATE = 128, 16_000


class Flags:
    output_underflow = False


class Bench:
    """A sink, a device whose clock runs ``speed`` times as fast, and virtual time.

    ``played`` is what the device got. The signal is a slow sine, so that a jump in it would show.
    """

    def __init__(
        self, speed: float = 1.0, device_rate: int = RATE, block: int = CHUNK, chunk: int = CHUNK, burst: int = 1
    ) -> None:
        self.clock = VirtualClock()
        self.port = OutputPort(device_rate, 2, 0, clock=self.clock.now)
        self.sink = LoudspeakerSink(self.port, "test", chunk, RATE, self.clock.now)
        self.chunk = chunk
        self.block, self.burst, self.period = block, burst, burst * block / device_rate / speed
        self.next_call, self.next_write = self.period / 2, chunk / RATE
        self.written = 0
        self.played: list[np.ndarray] = []

    def run(self, seconds: float, writing: bool = True) -> None:
        end = self.clock.now() + seconds
        while self.clock.now() < end - 1e-9:
            self.clock.sleep_until(min(self.next_call, self.next_write))
            if self.clock.now() >= self.next_write:
                if writing:
                    self.write()
                self.next_write += self.chunk / RATE
            else:
                for _ in range(self.burst):
                    block = np.empty((self.block, 2), np.float32)
                    self.port.callback(block, self.block, None, Flags())
                    self.played.append(block)
                self.next_call += self.period

    def late_chunk(self, seconds: float) -> None:
        """Write the next chunk that much later than it was due, and those that are due by then with it."""
        due = self.chunk / RATE
        self.run(due + seconds - 1e-6, writing=False)
        self.write(int((due + seconds) / due))

    def write(self, chunks: int = 1) -> None:
        """Write the next chunks of the sine at once."""
        for _ in range(chunks):
            phase = 2 * np.pi * 50 / RATE * np.arange(self.written, self.written + self.chunk)
            self.sink.write(np.repeat(0.5 * np.sin(phase)[:, None], 2, axis=1).astype(np.float32))
            self.written += self.chunk if self.port.known else 0  # until then sound is discarded

    def overload(self, times: int) -> float:
        """Stalls whose sound comes all at once afterwards; returns the most sound that waited, in seconds."""
        longest = 0.0
        for _ in range(times):
            self.run(0.6)
            self.run(0.4, writing=False)
            self.write(50)
            longest = max(longest, self.port.ring.available / self.port.rate)
        return longest

    def sound(self) -> np.ndarray:
        """What was played from the first sample on."""
        samples = np.concatenate(self.played)[:, 0]
        return samples[np.flatnonzero(samples)[0] :]

    def largest_jump(self) -> float:
        return float(np.abs(np.diff(self.sound())).max())


#: of the sine itself
OWN_JUMP = 0.5 * 2 * np.pi * 50 / RATE


def test_what_is_written_is_played_sample_for_sample() -> None:
    bench = Bench()
    bench.run(2.0)
    sound = bench.sound()
    np.testing.assert_allclose(sound, 0.5 * np.sin(2 * np.pi * 50 / RATE * np.arange(1, len(sound) + 1)), atol=1e-6)


def test_a_position_gives_the_time_at_which_it_was_played() -> None:
    bench = Bench()
    position = bench.sink.write(np.ones((CHUNK, 2), np.float32))
    before = bench.sink.time_of(position)
    bench.run(0.2)
    assert np.isnan(before) and 0.0 < bench.sink.time_of(position) < 0.2


def test_every_gap_adds_one_chunk_of_cushion() -> None:
    bench, cushions = Bench(), []
    for _ in range(3):
        bench.run(1.0)
        bench.run(0.2, writing=False)
        bench.run(0.1)
        cushions.append(bench.sink.cushion)
    assert cushions == [1, 2, 3]


def test_after_a_gap_sound_waits_for_the_wanted_time_before_it_plays() -> None:
    bench = Bench()
    bench.run(1.0)
    bench.run(0.2, writing=False)
    bench.run(0.012)
    silent = not bench.port.playing
    bench.run(0.025)
    assert silent and bench.port.playing


@pytest.mark.parametrize("burst", [1, 2, 4])
def test_sound_waits_little_longer_than_the_device_s_bursts_need(burst: int) -> None:
    bench = Bench(burst=burst)
    bench.run(30.0)
    waiting = bench.port.ring.available / RATE
    assert bench.port.underruns == 0 and waiting < LEAST_S + (burst + 2) * CHUNK / RATE


def test_a_device_whose_calls_are_late_from_time_to_time_has_a_gap_once_and_then_no_more() -> None:
    bench = Bench()
    for _ in range(30):
        bench.run(5.0)
        bench.late_chunk(LEAST_S + 2 * CHUNK / RATE)
    few = bench.port.underruns
    for _ in range(30):
        bench.run(5.0)
        bench.late_chunk(LEAST_S + 2 * CHUNK / RATE)
    assert 1 <= few <= 3 and bench.port.underruns == few


def test_calm_takes_cushion_away_without_a_jump_or_a_gap() -> None:
    bench = Bench()
    bench.run(1.0)
    bench.run(0.2, writing=False)
    bench.run(1.0)
    bench.played.clear()
    grown = bench.sink.cushion
    bench.run(2 * CALM_S + 5)
    assert (grown, bench.sink.cushion, bench.port.underruns) == (1, 0, 1)
    assert bench.largest_jump() < 2 * OWN_JUMP


@pytest.mark.parametrize("speed", [1.0005, 0.9995])
@pytest.mark.parametrize("device_rate", [16_000, 48_000])
def test_a_device_with_another_clock_neither_runs_dry_nor_falls_behind(speed: float, device_rate: int) -> None:
    bench = Bench(speed, device_rate, block=CHUNK * device_rate // RATE)
    bench.run(60.0)
    waiting = bench.port.ring.available / device_rate * RATE / CHUNK
    assert bench.port.underruns == 0 and waiting < 4
    assert bench.sink.counts()["drift_samples"] > 0
    assert bench.largest_jump() < 2 * OWN_JUMP


def test_a_device_with_the_same_clock_is_left_alone() -> None:
    bench = Bench()
    bench.run(60.0)  # until nothing is to spare any more
    bench.sink.counts()
    bench.run(30.0)
    assert bench.sink.counts()["drift_samples"] == 0


def test_a_backlog_is_dropped_smoothly() -> None:
    bench = Bench()
    bench.run(1.0)
    bench.run(0.4, writing=False)
    bench.write(50)  # the input that has accumulated meanwhile comes without pauses
    bench.played.clear()
    bench.run(2.0)
    assert bench.port.ring.available < 14 * CHUNK


def test_sound_never_waits_longer_than_the_limit() -> None:
    assert Bench().overload(30) <= LONGEST_S


def test_a_full_cushion_is_gone_after_a_minute_of_calm_without_a_jump() -> None:
    bench = Bench()
    bench.overload(30)
    bench.run(0.5)
    bench.played.clear()
    grown = bench.sink.cushion
    bench.run(60.0)
    assert grown > 10 and bench.sink.cushion == 0
    assert bench.port.ring.available / RATE < 0.06
    assert bench.largest_jump() < 2 * OWN_JUMP


@pytest.mark.parametrize("chunk_ms", [8, 16, 32, 100, 500, 1000])
@pytest.mark.parametrize("speed", [1.0005, 1.0, 0.9995])
def test_long_chunks_play_without_a_gap(chunk_ms: int, speed: float) -> None:
    bench = Bench(speed, block=512, chunk=16 * chunk_ms)
    bench.run(60.0)
    assert bench.port.underruns == 0 and not bench.sink.counts()["ring_overruns"]
    assert bench.largest_jump() < 2 * OWN_JUMP


def test_a_device_that_stopped_is_not_written_to() -> None:
    bench = Bench()
    bench.run(1.0)
    bench.clock.advance(1.0)
    written = bench.port.ring.written
    bench.sink.write(np.ones((CHUNK, 2), np.float32))
    assert bench.port.ring.written == written and not bench.sink.counts()["ring_overruns"]


def test_a_device_that_comes_back_does_not_play_stale_sound() -> None:
    bench = Bench()
    bench.run(1.0)
    bench.clock.advance(1.0)
    block = np.ones((CHUNK, 2), np.float32)
    bench.port.callback(block, CHUNK, None, Flags())
    assert not block.any()


def test_no_output_counts_as_played_when_written() -> None:
    clock = VirtualClock()
    clock.advance(3.0)
    sink = NullSink(clock.now)
    assert sink.time_of(sink.write(np.zeros((CHUNK, 2), np.float32))) == 3.0


def test_a_crossfade_begins_with_one_and_ends_with_the_other() -> None:
    faded = crossfade(np.zeros((CHUNK, 2), np.float32), np.ones((CHUNK, 2), np.float32))
    assert faded[0, 0] < 0.01 and faded[-1, 0] > 0.99 and (np.diff(faded[:, 0]) > 0).all()


@pytest.mark.parametrize("change", [-1, 1])
def test_stretching_keeps_both_ends(change: int) -> None:
    block = np.random.default_rng(0).uniform(-1, 1, (CHUNK, 2)).astype(np.float32)
    stretched = stretch(block, change)
    assert len(stretched) == CHUNK + change
    np.testing.assert_array_equal(stretched[[0, -1]], block[[0, -1]])
