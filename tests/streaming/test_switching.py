from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepprune.streaming import Ladder, create_backend
from sepprune.streaming.history import History
from sepprune.streaming.runner import LevelRunner
from sepprune.streaming.switching import CATCH_UP, Crossfade, WarmUp
from tests.streaming.ladders import babble


@given(samples=st.integers(1, 700), chunk=st.integers(1, 300))
def test_a_crossfade_is_one_straight_ramp_over_however_many_chunks(samples: int, chunk: int) -> None:
    fade, mixed, ended = Crossfade(samples, chunk), [], False
    while not ended:
        old = np.zeros((2, chunk), np.float32)
        ended = fade.mix(old, np.ones((2, chunk), np.float32))
        mixed.append(old[0].copy())
    ramp = np.minimum(np.arange(1, len(mixed) * chunk + 1) / samples, 1)
    np.testing.assert_allclose(np.concatenate(mixed), ramp, atol=1e-6)


def test_a_crossfade_ends_with_the_chunk_that_holds_its_last_sample() -> None:
    fade, chunk = Crossfade(320, 128), np.zeros((2, 128), np.float32)
    assert [fade.mix(chunk.copy(), chunk.copy()) for _ in range(3)] == [False, False, True]


class Stream:
    """What a warm-up sees of a stream: chunks of babble and the sources of level 0, in the order asked for."""

    def __init__(self, ladder: Ladder, order: tuple[int, int] = (0, 1)) -> None:
        self.ladder, self.history, self.chunks = ladder, History(160, 2, 16_000), babble(3).reshape(-1, 160)
        self.runner = self.open(0)
        self.runner.order = order
        self.given_back: list[LevelRunner] = []

    def open(self, level: int) -> LevelRunner:
        return LevelRunner(self.ladder[level], create_backend("torch").compile(self.ladder[level], 160), 32, 2)

    def run(self, chunks: int) -> None:
        heard = np.zeros((2, 160), np.float32)
        for _ in range(chunks):
            mixture = self.chunks[self.history.written]
            self.runner.step(mixture, heard)
            self.history.add(mixture, heard)

    def warm_up(self, level: int) -> WarmUp:
        return WarmUp(level, lambda: self.open(level), self.given_back.append, self.history, 0.01)

    def offered(self, level: int) -> WarmUp:
        """A warm-up whose thread has caught up with the first 50 chunks."""
        self.run(50)
        warm_up = self.warm_up(level)
        warm_up.start()
        assert warm_up.offered.wait(60)
        return warm_up


@pytest.mark.parametrize("heard", [(0, 1), (1, 0)])
@pytest.mark.parametrize(("level", "swapped"), [(1, True), (2, False)])
def test_a_warm_level_gives_its_sources_in_the_order_that_is_heard(
    tcn_ladder: Ladder, heard: tuple[int, int], level: int, swapped: bool
) -> None:
    stream = Stream(tcn_ladder, heard)
    stream.run(100)
    warm_up = stream.warm_up(level)
    warm_up.run()
    assert tuple(warm_up.take_over().order) == (heard[::-1] if swapped else heard)


def test_a_warm_level_continues_as_if_it_had_run_all_along(tcn_ladder: Ladder) -> None:
    stream, alone = Stream(tcn_ladder), Stream(tcn_ladder)
    alone.runner = alone.open(2)
    stream.run(90)
    alone.run(91)
    warm_up, out = stream.warm_up(2), np.zeros((2, 160), np.float32)
    warm_up.run()
    warm_up.take_over().step(stream.chunks[90], out)
    np.testing.assert_allclose(out, alone.history.slot(90)[1], atol=1e-5)


def test_a_level_that_was_left_a_little_behind_catches_up_when_it_takes_over(tcn_ladder: Ladder) -> None:
    stream = Stream(tcn_ladder)
    stream.run(50)
    warm_up = stream.warm_up(2)
    warm_up.run()
    stream.run(CATCH_UP)
    assert warm_up.take_over() is not None


def test_a_level_that_was_left_far_behind_does_not_take_over(tcn_ladder: Ladder) -> None:
    stream = Stream(tcn_ladder)
    stream.run(50)
    warm_up = stream.warm_up(2)
    warm_up.run()
    stream.run(CATCH_UP + 1)
    assert warm_up.take_over() is None


def test_a_level_in_a_thread_tries_again_after_it_was_left_behind(tcn_ladder: Ladder) -> None:
    stream = Stream(tcn_ladder)
    warm_up = stream.offered(2)
    stream.run(CATCH_UP + 1)
    assert warm_up.take_over() is None
    assert warm_up.offered.wait(60)
    assert warm_up.take_over() is not None


class Slow:
    """A runner in whose steps the stream continues by two chunks: it never catches up by itself."""

    def __init__(self, runner: LevelRunner, stream: Stream) -> None:
        self.runner, self.stream, self.reset = runner, stream, runner.reset

    def step(self, mixture: np.ndarray, out: np.ndarray) -> None:
        self.runner.step(mixture, out)
        self.stream.run(2)


def test_a_level_that_is_too_slow_to_catch_up_takes_over_all_the_same(tcn_ladder: Ladder) -> None:
    stream = Stream(tcn_ladder, (1, 0))
    stream.history = History(160, 2, 16 * 160)
    stream.run(20)
    warm_up = WarmUp(1, lambda: Slow(stream.open(1), stream), stream.given_back.append, stream.history, 0.01)
    warm_up.run()
    taken = warm_up.take_over()
    assert taken is not None and tuple(taken.order) == (0, 1)  # level 1 has its sources in the other order
    assert stream.history.written < 20 + 2 * 2 * stream.history.chunks + 2


def test_a_level_that_is_not_wanted_any_more_gives_its_runner_back(tcn_ladder: Ladder) -> None:
    stream = Stream(tcn_ladder)
    warm_up = stream.offered(2)
    warm_up.cancel()
    assert warm_up.ended.wait(60)
    assert [runner.level.level for runner in stream.given_back] == [2]


def test_a_level_that_took_over_keeps_its_runner(tcn_ladder: Ladder) -> None:
    stream = Stream(tcn_ladder)
    warm_up = stream.offered(2)
    assert warm_up.take_over() is not None
    assert warm_up.ended.wait(60)
    assert stream.given_back == []


def test_what_stops_a_warm_up_in_its_thread_is_kept(tcn_ladder: Ladder) -> None:
    warm_up = WarmUp(2, lambda: 1 / 0, [].append, Stream(tcn_ladder).history, 0.01)
    warm_up.start()
    assert warm_up.ended.wait(60)
    assert isinstance(warm_up.error, ZeroDivisionError)


def test_history_holds_the_newest_chunks_only() -> None:
    history = History(160, 2, 1600)
    history.written = 25
    assert [number for number in range(30) if history.holds(number)] == list(range(15, 25))
