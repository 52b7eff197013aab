"""Levels side by side on one stream, through the real engine over a virtual clock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from app.engine.clock import VirtualClock
from app.engine.controls import Controls
from app.engine.engine import Engine
from app.engine.playback import FADE_S
from app.engine.side_by_side import SideBySide
from app.engine.sources import FileSource
from app.engine.telemetry import Telemetry
from sepprune.streaming import Ladder, StreamingSeparator
from tests.app.conftest import speech_like
from tests.app.engine.rig import CHUNK, Ear

RATE = 16_000
FADE = round(FADE_S * RATE)


class Blind:
    """An engine that runs conditions side by side on a file, and keeps what is heard and how long a step took."""

    def __init__(self, ladder: Path, path: Path, *conditions: int | None) -> None:
        self.clock, self.telemetry = VirtualClock(), Telemetry()
        self.separator = SideBySide(Ladder.load(ladder), conditions)
        self.ear, self.times = Ear(self.clock), list[float]()
        source = FileSource(path, CHUNK, RATE, self.clock, loop=True)
        self.engine = Engine(
            self.separator,
            source,
            self.ear,
            self.telemetry,
            clock=self.clock,
            controls=Controls(routing="split"),
        )

    def run(self, chunks: int) -> None:
        for _ in range(chunks):
            started = time.perf_counter()
            self.engine.run(seconds=0.99 * CHUNK / RATE)
            self.times.append(time.perf_counter() - started)

    @property
    def heard(self) -> np.ndarray:
        return self.ear.heard


@pytest.fixture
def blind(ladder: Path, sound: Callable[..., Path]) -> Iterator[Callable[..., Blind]]:
    opened = []

    def build(*conditions: int | None, samples: np.ndarray | None = None) -> Blind:
        opened.append(Blind(ladder, sound(speech_like(5.0) if samples is None else samples), *conditions))
        return opened[-1]

    yield build
    for one in opened:
        one.separator.close()


def alone(ladder: Path, level: int, chunks: int, samples: np.ndarray | None = None) -> np.ndarray:
    """Voices of a level that runs alone from the start."""
    mixture = np.resize(speech_like(5.0) if samples is None else samples, chunks * CHUNK)
    with StreamingSeparator(Ladder.load(ladder), level) as stream:
        return np.concatenate([stream.step(chunk) for chunk in mixture.reshape(-1, CHUNK)], axis=1)


def test_nothing_is_heard_before_something_is_asked_for(blind: Callable[..., Blind]) -> None:
    one = blind(0, 1)
    one.run(10)
    assert not one.heard.any()


def test_what_is_heard_is_a_level_that_has_run_from_the_start(blind: Callable[..., Blind], ladder: Path) -> None:
    one = blind(0, 2)
    one.run(20)
    one.separator.hear(1)
    one.run(20)
    wanted = alone(ladder, 2, 40)[:, 22 * CHUNK :]
    found = one.heard[:, 22 * CHUNK :]
    assert np.array_equal(found, wanted) or np.array_equal(found, wanted[::-1])


def test_the_mixture_is_delayed_as_much_as_the_voices(blind: Callable[..., Blind]) -> None:
    one = blind(0, None)
    one.separator.hear(1)
    one.run(40)
    delayed = np.pad(speech_like(5.0), (one.separator.delay, 0))[: 40 * CHUNK]
    np.testing.assert_array_equal(one.heard[0, 2 * CHUNK :], delayed[2 * CHUNK :])


def test_a_change_is_heard_with_the_next_chunk_and_is_over_after_ten_milliseconds(
    blind: Callable[..., Blind], ladder: Path
) -> None:
    one = blind(0, 1)
    one.separator.hear(0)
    one.run(20)
    one.separator.hear(1)
    one.run(5)
    before = alone(ladder, 0, 25)
    at = 20 * CHUNK
    assert np.array_equal(one.heard[:, 2 * CHUNK : at], before[:, 2 * CHUNK : at])
    assert np.abs(one.heard[:, at + FADE - 2 : at + FADE + 2]).max() < 1e-3
    wanted = alone(ladder, 1, 25)[:, at + 2 * FADE :]
    found = one.heard[:, at + 2 * FADE :]
    assert np.array_equal(found, wanted) or np.array_equal(found, wanted[::-1])


def test_rows_of_chunks_do_not_tell_what_is_heard(blind: Callable[..., Blind]) -> None:
    one = blind(0, 2)
    for condition in (0, 1, 0, None):
        one.separator.hear(condition)
        one.run(5)
    rows = one.telemetry.frames_since(0)
    assert set(rows["level"]) == {0.0} and one.telemetry.counters["switches"] == 0
    assert not rows["flags"][12:].any()


def test_held_seconds_repeat_exactly_and_are_the_same_for_both(blind: Callable[..., Blind]) -> None:
    one = blind(0, 0)
    one.separator.hear(0)
    one.run(100)
    one.separator.hear(0, held=True)
    one.run(250)
    loop = 101 * CHUNK  # the chunk in which the sound is held belongs to it
    start = 102 * CHUNK
    np.testing.assert_array_equal(one.heard[:, start : start + 4000], one.heard[:, start + loop : start + loop + 4000])
    one.separator.hear(1, held=True)
    one.run(150)
    end = one.heard.shape[1]
    np.testing.assert_array_equal(one.heard[:, end - 4000 :], one.heard[:, end - 4000 - loop : end - loop])


def test_the_running_sound_returns_where_it_is_by_then(blind: Callable[..., Blind], ladder: Path) -> None:
    one = blind(0, 0)
    one.separator.hear(0)
    one.run(100)
    one.separator.hear(0, held=True)
    one.run(80)
    one.separator.hear(0)
    one.run(20)
    np.testing.assert_array_equal(one.heard[:, 182 * CHUNK :], alone(ladder, 0, 200)[:, 182 * CHUNK :])


def test_too_little_sound_is_not_held(blind: Callable[..., Blind], ladder: Path) -> None:
    one = blind(0, 0)
    one.separator.hear(0, held=True)
    one.run(30)
    np.testing.assert_array_equal(one.heard[:, 2 * CHUNK :], alone(ladder, 0, 30)[:, 2 * CHUNK :])


def matched(one: Blind) -> tuple[float, ...] | None:
    done, answers = threading.Event(), list[tuple[float, ...] | None]()
    one.separator.match_loudness("split", lambda gains: (answers.append(gains), done.set()))
    assert done.wait(60)
    return answers[0]


def test_levels_are_equally_loud_after_matching(blind: Callable[..., Blind]) -> None:
    one = blind(0, 1, None)
    one.run(400)
    first = matched(one)
    assert first is not None and max(first) == 0.0 and min(first) < -0.5
    heard = []
    for condition in range(3):
        one.separator.hear(condition)
        one.run(2)
        start = one.heard.shape[1]
        one.run(625)  # one whole round of the file
        heard.append(10 * np.log10(np.mean(one.heard[:, start:] ** 2)))
    before = [level - gain for level, gain in zip(heard, first, strict=True)]
    assert max(heard) - min(heard) < 0.5 < max(before) - min(before)


def test_equal_levels_get_no_gain(blind: Callable[..., Blind]) -> None:
    one = blind(1, 1)
    one.run(200)
    assert matched(one) == (0.0, 0.0)


def test_silence_is_not_matched(blind: Callable[..., Blind]) -> None:
    one = blind(0, 1, samples=np.zeros(RATE, np.float32))
    one.run(200)
    assert matched(one) is None


def classified(features: np.ndarray, labels: np.ndarray) -> float:
    """Share of labels that a linear classifier finds, each fifth by what it has learned from the others."""
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-12)
    design = np.column_stack([scaled, np.ones(len(scaled))])
    right = 0
    for fold in range(5):
        test = np.arange(len(labels)) % 5 == fold
        known = design[~test]
        weights = np.linalg.solve(known.T @ known + 10 * np.eye(design.shape[1]), known.T @ (2.0 * labels[~test] - 1))
        right += int(np.count_nonzero((design[test] @ weights > 0) == labels[test]))
    return right / len(labels)


#: a classifier that guesses reaches this share of 500 in fewer than one of 100,000 runs
CHANCE_500 = 0.596


def test_with_equal_levels_nothing_tells_a_change_to_the_other_from_a_change_to_the_same(
    blind: Callable[..., Blind],
) -> None:
    """Envelope around the change, its delay, and the times of the chunks around it, over 500 changes."""
    one, rng = blind(1, 1), np.random.default_rng(5)
    one.separator.hear(0)
    one.run(30)
    present, moments, times, labels = 0, list[int](), [], []
    for _ in range(500):
        wanted = int(rng.integers(2))
        at, step = len(one.times) * CHUNK, len(one.times)
        one.separator.hear(wanted)
        one.run(int(rng.integers(4, 9)))
        moments.append(at)
        times.append(np.log(one.times[step - 1 : step + 4]))
        labels.append(wanted != present)
        present = wanted
    around = np.stack([one.heard[:, at - CHUNK : at + 3 * CHUNK] for at in moments])
    envelopes = np.log(np.sqrt(np.mean(around.reshape(500, -1, 16) ** 2, axis=2)) + 1e-5)
    delays = np.abs(around).sum(axis=1).argmin(axis=1)
    features = np.column_stack([envelopes, delays, times])
    assert classified(features, np.array(labels)) < CHANCE_500


def test_the_classifier_finds_what_one_feature_tells() -> None:
    """A tenth of the labels can be seen in one of sixty features: the chance above means something."""
    rng = np.random.default_rng(0)
    features, labels = rng.standard_normal((500, 60)), rng.integers(0, 2, 500).astype(bool)
    features[labels, 7] += 1.0
    assert classified(features, labels) > CHANCE_500


def test_no_voices_change_sides_in_500_changes_to_a_level_that_exchanges_them(
    blind: Callable[..., Blind], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second level gives the voices of the first with noise. While it is not heard it exchanges them at random."""
    one, rng = blind(0, 0), np.random.default_rng(2)
    voices, turned = list[np.ndarray](), [False]

    def first(chunk: np.ndarray) -> np.ndarray:
        voices.append(0.1 * rng.standard_normal((2, CHUNK)).astype(np.float32))
        return voices[-1]

    def second(chunk: np.ndarray) -> np.ndarray:
        noisy = voices[-1] + 0.05 * rng.standard_normal((2, CHUNK)).astype(np.float32)
        return noisy[::-1] if turned[0] else noisy

    for stream, step in zip(one.separator._streams, (first, second), strict=True):
        monkeypatch.setattr(stream, "step", step)
    for _ in range(250):
        one.separator.hear(0)
        one.run(2)
        turned[0] ^= bool(rng.integers(2))
        one.run(88)
        one.separator.hear(1)
        one.run(10)
    heard, true = one.heard.reshape(2, -1, CHUNK), np.stack(voices, axis=1)
    agreement = (heard * true).sum(axis=(0, 2)) - (heard * true[::-1]).sum(axis=(0, 2))
    assert np.all(agreement > 0)
