"""The engine over a virtual clock: exact counts, exact samples, the same every time."""

from __future__ import annotations

import gc
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.engine.engine import WARM_UP_CHUNKS, Engine
from app.engine.events import LevelChanged, LevelFailed, Recording
from app.engine.recorder import Recorder
from app.engine.telemetry import BYPASS, COMPUTED, DEADLINE_MISS, WARM_UP
from sepprune.errors import UserError
from sepprune.streaming import Ladder, StreamingSeparator
from tests.app.conftest import speech_like
from tests.app.engine.rig import CHUNK, Rig, Slow

#: flags of a chunk that is late because its computation took long, while the stream warms up
LATE_WARM_UP = DEADLINE_MISS | WARM_UP | COMPUTED


def offline(ladder: Path, samples: np.ndarray) -> np.ndarray:
    """The voices, ``(2, samples)``, aligned with the mixture."""
    with StreamingSeparator(Ladder.load(ladder)) as separator:
        padded = np.pad(samples, (0, -len(samples) % CHUNK + CHUNK))
        voices = np.concatenate([separator.step(chunk) for chunk in padded.reshape(-1, CHUNK)], axis=1)
    return voices[:, separator.delay : separator.delay + len(samples)]


def test_what_is_heard_is_what_the_separator_gives_offline(rig: Callable[..., Rig], ladder: Path) -> None:
    one = rig(routing="split")
    one.engine.run()
    np.testing.assert_array_equal(one.ear.heard[:, CHUNK : CHUNK + 16_000], offline(ladder, speech_like(1.0)))


def test_every_chunk_is_counted_once(rig: Callable[..., Rig]) -> None:
    one = rig()
    chunks = one.engine.run()
    assert chunks == one.count("chunks") == len(one.telemetry.frames_since(0)) == 126


def test_a_run_can_be_limited_in_time(rig: Callable[..., Rig]) -> None:
    assert rig().engine.run(seconds=0.4) == 50


def test_stamps_are_exact(rig: Callable[..., Rig]) -> None:
    one = rig(seconds=lambda step: 0.003)
    one.engine.run(seconds=0.08)
    rows = one.telemetry.frames_since(0)
    np.testing.assert_allclose(rows["t_in"], 0.008 * np.arange(1, 11), atol=1e-9)
    np.testing.assert_allclose(rows["t_start"], rows["t_in"], atol=1e-9)
    np.testing.assert_allclose(rows["t_done"] - rows["t_start"], 0.003, atol=1e-9)


def test_exactly_the_late_chunks_are_missed_deadlines(rig: Callable[..., Rig]) -> None:
    """A chunk time of 20 ms makes the chunk 12 ms late and the next one 5 ms; the one after that is in time."""
    one = rig(seconds=lambda step: 0.020 if step in (30, 60) else 0.001)
    one.engine.run()
    rows = one.telemetry.frames_since(0)
    missed = rows["index"][(rows["flags"].astype(int) & DEADLINE_MISS) > 0]
    assert missed.tolist() == [30, 31, 60, 61] and one.count("deadline_misses") == 4


def test_late_chunks_while_it_warms_up_are_not_counted(rig: Callable[..., Rig]) -> None:
    one = rig(seconds=lambda step: 0.020 if step < WARM_UP_CHUNKS // 2 else 0.0)
    one.engine.run()
    assert one.count("deadline_misses") < WARM_UP_CHUNKS and one.telemetry.frames_since(0)["flags"][0] == LATE_WARM_UP


def test_upkeep_waits_until_the_chunk_is_handed_on(rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch) -> None:
    one, handed_on = rig(), []
    monkeypatch.setattr(Slow, "settle", lambda self: handed_on.append(one.ear.heard.shape[1]), raising=False)
    one.engine.run(seconds=0.08)
    assert handed_on == [CHUNK * count for count in range(1, 11)]


def test_two_runs_are_the_same(rig: Callable[..., Rig]) -> None:
    runs = [rig() for _ in range(2)]
    for one in runs:
        one.engine.run(seconds=0.3)
        one.change(level=2)
        one.engine.run()
    np.testing.assert_array_equal(runs[0].ear.heard, runs[1].ear.heard)


def test_a_bypass_is_aligned_with_the_voices(rig: Callable[..., Rig]) -> None:
    one = rig()
    one.change(bypass=True)
    one.engine.run()
    delayed = np.pad(speech_like(1.0), (one.separator.delay, 0))
    np.testing.assert_array_equal(one.ear.heard[0, 320:16_000], delayed[320:16_000])
    assert all(flags & BYPASS for flags in one.telemetry.frames_since(0)["flags"].astype(int))


def test_the_telemetry_shows_the_mixture_aligned_with_the_voices(rig: Callable[..., Rig], ladder: Path) -> None:
    one = rig()
    one.engine.run()
    _, audio = one.telemetry.audio_since(0)
    shown = audio[:, one.separator.delay : one.separator.delay + 16_000]
    np.testing.assert_array_equal(shown, np.vstack([speech_like(1.0)[None], offline(ladder, speech_like(1.0))]))


def test_a_level_change_is_answered_and_counted(rig: Callable[..., Rig]) -> None:
    one = rig()
    one.engine.run(seconds=0.2)
    one.change(level=1)
    one.engine.run()
    changed = [event for event in one.events if isinstance(event, LevelChanged)]
    assert [(event.level, event.wanted) for event in changed] == [(1, 1)] and one.count("switches") == 1
    assert 20.0 <= changed[0].switch_ms < 150.0


def test_a_level_that_does_not_exist_is_a_sentence_and_nothing_changes(rig: Callable[..., Rig]) -> None:
    one = rig()
    before = one.engine.controls
    with pytest.raises(UserError, match=re.escape("there is no level 9: choose from 0 (dense) to 2 (lightest)")):
        one.change(level=9, mute=True)
    one.engine.run()
    assert one.engine.controls == before and one.separator.level == 0 and one.ear.heard.any()


def test_a_level_whose_files_are_damaged_is_a_sentence_and_the_old_one_continues(rig: Callable[..., Rig]) -> None:
    one = rig(fallback=True)
    one.engine.run(seconds=0.2)
    one.change(level=2)
    one.separator.level_error, one.separator.target_level = UserError("its weights are damaged"), 0
    one.engine.run()
    failed = [event for event in one.events if isinstance(event, LevelFailed)]
    assert failed == [LevelFailed(0, 2, "level 2 cannot be used: its weights are damaged")]
    assert one.separator.level == one.engine.controls.level == 0 and one.count("switches") == 0


def test_a_file_is_looped_as_the_controls_say(rig: Callable[..., Rig]) -> None:
    one = rig(loop=True)
    assert one.engine.run(seconds=1.5) == 188
    one.change(loop=False)
    one.engine.run()
    assert one.engine.source.ended


def test_other_sources_are_looped_as_the_controls_say(rig: Callable[..., Rig]) -> None:
    one, other = rig(loop=True), rig()
    one.engine.connect(other.engine.source, one.ear)
    assert one.engine.source.loop


def test_a_change_of_one_control_leaves_the_sound_of_the_others_alone(rig: Callable[..., Rig]) -> None:
    changed, left_alone = rig(routing="split"), rig(routing="split")
    for one in (changed, left_alone):
        one.engine.run(seconds=0.4)
    changed.change(fallback=True, loop=False)
    for one in (changed, left_alone):
        one.engine.run()
    np.testing.assert_array_equal(changed.ear.heard, left_alone.ear.heard)


def test_a_separator_gives_samples_that_are_not_finite_only_once(rig: Callable[..., Rig]) -> None:
    one = rig()
    step = one.separator.step
    steps: list[int] = []

    def broken(chunk: np.ndarray) -> np.ndarray:
        steps.append(len(steps))
        return np.full((2, CHUNK), np.nan, np.float32) if len(steps) == 20 else step(chunk)

    one.separator.step = broken
    one.engine.run()
    assert one.count("bad_samples") == 2 * CHUNK and np.isfinite(one.ear.heard).all()


def test_a_pause_loses_no_sample_of_a_file(rig: Callable[..., Rig], ladder: Path) -> None:
    one = rig(routing="split")
    one.engine.run(seconds=0.4)
    one.change(paused=True)
    one.engine.run(seconds=0.4)
    silence = one.ear.heard[:, -3200:]
    one.change(paused=False)
    one.engine.run()
    assert not silence.any()
    _, audio = one.telemetry.audio_since(0)
    np.testing.assert_array_equal(audio[1:, CHUNK : CHUNK + 16_000], offline(ladder, speech_like(1.0)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e38])
def test_a_bad_input_cannot_poison_what_follows(rig: Callable[..., Rig], bad: float) -> None:
    samples = speech_like(1.0)
    samples[4000:4010] = bad
    one = rig(samples)
    one.engine.run()
    assert np.isfinite(one.ear.heard).all() and np.abs(one.ear.heard[:, -2000:]).max() > 0
    assert one.count("bad_samples") == (0 if np.isfinite(bad) else 10)


def test_a_recording_is_what_was_played_sample_for_sample(rig: Callable[..., Rig], tmp_path: Path) -> None:
    one = rig(routing="split")
    one.engine.recorder = Recorder(tmp_path / "out", 16_000, {"settings": {}}, one.events.append)
    one.engine.run(seconds=0.5)
    one.change(level=1)
    one.engine.run()
    one.engine.recorder.close(10.0)
    folder = Path(next(event.path for event in one.events if isinstance(event, Recording)))
    recorded = np.stack([soundfile.read(folder / f"{name}.wav", dtype="float32")[0] for name in ("voice1", "voice2")])
    np.testing.assert_array_equal(recorded, one.ear.heard)
    session = json.loads((folder / "session.json").read_text())
    assert [entry["level"] for entry in session["levels_over_time"]] == [0, 1]


def test_an_hour_of_turns_does_not_grow(rig: Callable[..., Rig]) -> None:
    """No object of a chunk is kept: there are as many objects after many chunks as after few."""

    def objects() -> Counter[str]:
        gc.collect()
        return Counter([type(thing).__name__ for thing in gc.get_objects()])

    one = rig(speech_like(4.0))
    one.engine.run(seconds=1.0)
    objects()  # the first count fills caches of classes itself
    before = objects()
    one.ear._blocks.clear()
    one.engine.run(seconds=2.5)
    one.ear._blocks.clear()
    grown = objects() - before
    assert grown.total() < 10


def test_a_ladder_of_three_sources_is_refused(rig: Callable[..., Rig]) -> None:
    one = rig()
    one.separator.sources = 3
    with pytest.raises(UserError, match="exactly 2"):
        Engine(one.separator, one.engine.source, one.ear, one.telemetry)
