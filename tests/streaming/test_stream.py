from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepprune.errors import UserError
from sepprune.streaming import Ladder, StreamingSeparator
from sepprune.streaming.stream import LARGEST
from tests.streaming.ladders import babble

FADE = 320  # samples of 20 ms


def run(stream: StreamingSeparator, mixture: np.ndarray, changes: dict[int, int] | None = None) -> np.ndarray:
    """Sources of a mixture, with changes of level before the chunks named."""
    parts = []
    for number, chunk in enumerate(mixture.reshape(-1, stream.chunk)):
        if changes and number in changes:
            stream.set_level(changes[number], wait=True)
        parts.append(stream.step(chunk))
    return np.concatenate(parts, axis=1)


def largest_jump(sources: np.ndarray) -> float:
    return float(np.abs(np.diff(sources, axis=1)).max())


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sum(first * second) / np.sqrt(np.sum(first**2) * np.sum(second**2)))


@pytest.fixture
def stream(tcn_ladder: Ladder) -> StreamingSeparator:
    return StreamingSeparator(tcn_ladder, chunk_ms=2, backend="torch")


@given(chunk_ms=st.floats(0.01, 60))
def test_a_chunk_is_whole_hops_and_no_shorter_than_asked(tcn_ladder: Ladder, chunk_ms: float) -> None:
    chunk = StreamingSeparator(tcn_ladder, chunk_ms=chunk_ms, backend="torch").chunk
    assert chunk % 32 == 0 and 0 <= chunk - chunk_ms * 16 + 1e-3 < 32 + 1e-2


@pytest.mark.parametrize("chunk_ms", [0, -8, float("nan"), 1001])
def test_an_impossible_chunk_is_refused(tcn_ladder: Ladder, chunk_ms: float) -> None:
    with pytest.raises(UserError, match="choose more than 0 and at most 1000 ms"):
        StreamingSeparator(tcn_ladder, chunk_ms=chunk_ms, backend="torch")


@pytest.mark.parametrize(
    "chunk",
    [
        np.zeros(33, "f4"),
        np.zeros(32, "f8"),
        np.zeros(32, "i2"),
        np.zeros((1, 32), "f4"),
        np.zeros((32, 2), "f4"),
        [0.0] * 32,
        None,
    ],
    ids=["long", "double", "int16", "2-D", "stereo", "list", "none"],
)
def test_what_is_no_chunk_is_refused_with_what_to_pass(stream: StreamingSeparator, chunk: Any) -> None:
    with pytest.raises(UserError, match=r"pass a float32 array of shape \(32,\), mono at 16000 Hz"):
        stream.step(chunk)


def test_sources_are_the_callers_to_keep(stream: StreamingSeparator) -> None:
    mixture = babble(0.2)
    first = stream.step(mixture[:32])
    kept = first.copy()
    run(stream, mixture[32:])
    np.testing.assert_array_equal(first, kept)


def test_reset_starts_from_silence(stream: StreamingSeparator) -> None:
    mixture = babble(0.4)
    first = run(stream, mixture, {50: 1})
    stream.reset()
    stream.set_level(0, wait=True)
    stream.reset()
    np.testing.assert_array_equal(run(stream, mixture, {50: 1}), first)


def test_reset_in_the_middle_of_a_change_leaves_the_new_level(stream: StreamingSeparator) -> None:
    run(stream, babble(0.2), {99: 2})
    stream.reset()
    assert (stream.level, stream.target_level, stream.transitioning) == (2, 2, False)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_count_and_act_as_zero(tcn_ladder: Ladder, bad: float) -> None:
    outputs = []
    for value in (bad, 0.0):
        stream, mixture = StreamingSeparator(tcn_ladder, chunk_ms=2, backend="torch"), babble(0.2)
        mixture[[100, 700]] = value
        outputs.append(run(stream, mixture))
        assert stream.bad_samples == (2 if value else 0)
    np.testing.assert_array_equal(*outputs)


def test_absurd_levels_act_as_the_largest_sane_one(tcn_ladder: Ladder) -> None:
    outputs = [
        run(StreamingSeparator(tcn_ladder, chunk_ms=2, backend="torch"), np.full(640, value, "f4"))
        for value in (3e38, LARGEST)
    ]
    np.testing.assert_array_equal(*outputs)


def test_a_loud_chunk_within_range_is_left_alone(stream: StreamingSeparator) -> None:
    mixture = np.full(32, 0.9 * LARGEST, np.float32)
    stream.step(mixture)
    stream.settle()
    np.testing.assert_array_equal(stream._history.slot(0)[0], mixture)


def test_before_and_after_a_change_each_level_is_heard_unaltered(tcn_ladder: Ladder) -> None:
    mixture = babble(1.6)
    changed, old, new = (
        run(StreamingSeparator(tcn_ladder, level, 8, "torch"), mixture, changes)
        for level, changes in ((0, {100: 2}), (0, None), (2, None))
    )
    np.testing.assert_array_equal(changed[:, : 100 * 128], old[:, : 100 * 128])
    after = 100 * 128 + 3 * 128  # the chunk in which the crossfade ends
    np.testing.assert_allclose(changed[:, after:], new[:, after:], atol=1e-5)


def test_in_between_the_levels_are_joined_by_a_line_of_20_ms(tcn_ladder: Ladder) -> None:
    mixture = babble(1.6)
    changed, old, new = (
        run(StreamingSeparator(tcn_ladder, level, 8, "torch"), mixture, changes)[:, 12_800:][:, :FADE]
        for level, changes in ((0, {100: 2}), (0, None), (2, None))
    )
    weight = np.arange(1, FADE + 1) / FADE
    np.testing.assert_allclose(changed, (1 - weight) * old + weight * new, atol=1e-5)


def test_a_level_with_the_other_source_order_does_not_swap_the_voices(tcn_ladder: Ladder) -> None:
    mixture = babble(1.6)
    changed, stayed = (
        run(StreamingSeparator(tcn_ladder, 0, 8, "torch"), mixture, changes) for changes in ({100: 1}, None)
    )
    straight = similarity(changed[:, 110 * 128 :], stayed[:, 110 * 128 :])
    crossed = similarity(changed[::-1, 110 * 128 :], stayed[:, 110 * 128 :])
    assert straight > 0.9 and straight > crossed


def test_200_random_changes_leave_no_jump_and_no_swap(tcn_ladder: Ladder) -> None:
    mixture, random = babble(3.2), np.random.default_rng(0)
    chunks = len(mixture) // 128
    changes = dict(
        zip(
            np.sort(random.choice(np.arange(20, chunks), 200, replace=False)).tolist(),
            random.integers(0, 3, 200).tolist(),
            strict=True,
        )
    )
    # a short history keeps the 200 warm-ups quick; the state of these levels reaches back 30 ms
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sepprune.streaming.stream.HISTORY_SECONDS", 0.2)
        changed = run(StreamingSeparator(tcn_ladder, 0, 8, "torch"), mixture, changes)
    levels = [run(StreamingSeparator(tcn_ladder, level, 8, "torch"), mixture) for level in range(3)]
    levels[1] = levels[1][::-1]
    apart = max(float(np.abs(levels[a] - levels[b]).max()) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert changed.shape == levels[0].shape
    assert largest_jump(changed) <= max(map(largest_jump, levels)) + apart / FADE
    assert float(np.abs(changed - levels[0]).max()) <= apart + 1e-5


def test_the_last_of_several_changes_wins(stream: StreamingSeparator) -> None:
    run(stream, babble(0.2))
    for level in (1, 2, 1, 2):
        stream.set_level(level, wait=True)
        stream.step(np.zeros(32, np.float32))
    run(stream, babble(0.1))
    assert (stream.level, stream.target_level, stream.transitioning) == (2, 2, False)


def test_a_change_that_is_taken_back_before_it_began_changes_nothing(tcn_ladder: Ladder) -> None:
    stream, mixture = StreamingSeparator(tcn_ladder, 0, 2, "torch"), babble(0.2)
    first = run(stream, mixture[:1600])
    stream.set_level(1, wait=True)
    stream.set_level(0, wait=True)
    assert not stream.transitioning
    whole = run(StreamingSeparator(tcn_ladder, 0, 2, "torch"), mixture)
    np.testing.assert_array_equal(np.concatenate([first, run(stream, mixture[1600:])], axis=1), whole)


def test_a_change_reports_itself_from_the_request_to_the_end_of_the_crossfade(stream: StreamingSeparator) -> None:
    run(stream, babble(0.2))
    stream.set_level(1, wait=True)
    requested = (stream.level, stream.target_level, stream.transitioning, stream.crossfading)
    seen = []
    while stream.transitioning:
        stream.step(np.zeros(32, np.float32))
        seen.append(stream.crossfading)
    assert requested == (0, 1, True, False)
    assert seen == [True] * (FADE // 32 - 1) + [False]


def test_a_level_changes_beside_a_running_stream(tcn_ladder: Ladder) -> None:
    mixture, parts = babble(6.4).reshape(-1, 128), []
    with StreamingSeparator(tcn_ladder, 0, 8, "openvino") as stream:
        for chunk in mixture[:100]:
            parts.append(stream.step(chunk))
        stream.set_level(1)
        parts.append(stream.step(mixture[100]))
        assert stream._warm_up.offered.wait(120)
        for chunk in mixture[101:]:
            parts.append(stream.step(chunk))
        assert (stream.level, stream.transitioning, stream.level_error) == (1, False, None)
    changed = np.concatenate(parts, axis=1)
    stayed = run(StreamingSeparator(tcn_ladder, 0, 8, "torch"), mixture.reshape(-1))
    assert similarity(changed, stayed) > 0.9
    assert largest_jump(changed) <= 1.05 * largest_jump(stayed) + np.abs(changed - stayed).max() / FADE


def test_setting_a_level_does_not_wait_for_the_level(tcn_ladder: Ladder) -> None:
    stream, allowed = StreamingSeparator(tcn_ladder, 0, 8, "torch"), threading.Event()
    open_level = stream._levels.open
    stream._levels.open = lambda level: allowed.wait(60) and open_level(level)
    stream.set_level(1)
    sources = stream.step(np.zeros(128, np.float32))
    assert (sources.shape, stream.level, stream.transitioning) == ((2, 128), 0, True)
    allowed.set()
    stream.close()


def test_prepared_levels_are_not_compiled_again_when_they_are_wanted(tcn_ladder: Ladder) -> None:
    with StreamingSeparator(tcn_ladder, 0, 8, "torch") as stream:
        stream.prepare()
        stream._levels._backends.clear()  # whatever compiled now would need one
        stream.set_level(2, wait=True)
        stream.step(np.zeros(128, np.float32))
        assert stream.crossfading


def test_preparation_passes_over_a_damaged_level(tcn_ladder: Ladder, tmp_path: Path) -> None:
    folder = shutil.copytree(tcn_ladder.folder, tmp_path / "ladder")
    (folder / "level-1.safetensors").write_bytes(b"")
    with StreamingSeparator(Ladder.load(folder), 0, 8, "torch") as stream:
        stream.prepare()
        stream.set_level(2, wait=True)
        with pytest.raises(UserError, match="damaged"):
            stream.set_level(1, wait=True)


def test_a_program_that_ends_during_a_warm_up_ends_cleanly(tcn_ladder: Ladder) -> None:
    program = f"""
import numpy, sepprune
stream = sepprune.StreamingSeparator(sepprune.Ladder.load({str(tcn_ladder.folder)!r}), 0, 8)
stream.prepare()
stream.set_level(2)
stream.step(numpy.zeros(128, numpy.float32))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_damaged_level_leaves_the_stream_at_its_level_and_says_why(tcn_ladder: Ladder, tmp_path: Path) -> None:
    folder = shutil.copytree(tcn_ladder.folder, tmp_path / "ladder")
    stream = StreamingSeparator(Ladder.load(folder), 0, 8, "torch")
    (folder / "level-2.safetensors").write_bytes(b"")
    stream.set_level(2)
    stream.step(np.zeros(128, np.float32))
    while stream.transitioning:
        assert stream._warm_up.ended.wait(60)
        stream.step(np.zeros(128, np.float32))
    assert (stream.level, stream.target_level, stream.transitioning) == (0, 0, False)
    assert "level-2.safetensors is damaged" in str(stream.level_error)


def test_a_damaged_level_that_is_waited_for_is_an_error(tcn_ladder: Ladder, tmp_path: Path) -> None:
    folder = shutil.copytree(tcn_ladder.folder, tmp_path / "ladder")
    stream = StreamingSeparator(Ladder.load(folder), 0, 8, "torch")
    (folder / "level-2.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="level-2.safetensors is damaged"):
        stream.set_level(2, wait=True)
    assert not stream.transitioning


@pytest.mark.parametrize(("level", "words"), [(7, "no level 7"), ("a", "whole number from 0 to [0-9], not 'a'")])
def test_a_level_that_the_ladder_lacks_is_refused_at_once(stream: StreamingSeparator, level: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        stream.set_level(level)


def test_a_closed_stream_takes_no_chunk(tcn_ladder: Ladder) -> None:
    stream = StreamingSeparator(tcn_ladder, 0, 8, "torch")
    stream.close()
    with pytest.raises(UserError, match="the stream is closed"):
        stream.step(np.zeros(stream.chunk, np.float32))
