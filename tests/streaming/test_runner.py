from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sepprune.streaming import Ladder, create_backend
from sepprune.streaming.runner import LevelRunner, call_samples
from tests.streaming.ladders import babble


@pytest.mark.parametrize(("hops", "call"), [(1, 1), (2, 2), (4, 2), (5, 1), (6, 6), (12, 6)])
def test_calls_end_where_segments_of_six_frames_end(skim_ladder: Ladder, hops: int, call: int) -> None:
    assert call_samples(skim_ladder, skim_ladder[0], hops * 32) == call * 32


def test_a_level_without_segments_takes_a_chunk_in_one_call(tcn_ladder: Ladder) -> None:
    assert call_samples(tcn_ladder, tcn_ladder[0], 5 * 32) == 5 * 32


@given(hops=st.integers(1, 14))
def test_any_chunk_gives_the_batch_output(skim_ladder: Ladder, hops: int) -> None:
    chunk = hops * 32
    samples = call_samples(skim_ladder, skim_ladder[0], chunk)
    runner = LevelRunner(skim_ladder[0], create_backend("torch").compile(skim_ladder[0], samples), 32, 2)
    mixture = babble(0.2)[: 3200 // chunk * chunk]
    out = np.zeros((2, len(mixture)), np.float32)
    for start in range(0, len(mixture), chunk):
        runner.step(mixture[start : start + chunk], out[:, start : start + chunk])
    with torch.inference_mode():
        batch = skim_ladder.build(0)(torch.from_numpy(mixture)[None])[0][0].numpy()
    np.testing.assert_allclose(out, batch, atol=1e-5)


def test_upkeep_that_was_done_before_is_not_done_again(skim_ladder: Ladder) -> None:
    outs = np.zeros((2, 2, 32 * 40), "f4")
    for out, settles in zip(outs, (False, True), strict=True):
        runner = LevelRunner(skim_ladder[0], create_backend("torch").compile(skim_ladder[0], 32), 32, 2)
        for start in range(0, out.shape[1], 32):
            runner.step(babble(0.2)[start : start + 32], out[:, start : start + 32])
            if settles:
                runner.settle()
                runner.settle()
    np.testing.assert_array_equal(outs[0], outs[1])


def test_the_order_says_which_source_comes_out_where(tcn_ladder: Ladder) -> None:
    compiled = create_backend("torch").compile(tcn_ladder[0], 320)
    mixture, outs = babble(0.02), np.zeros((2, 2, 320), "f4")
    for out, order in zip(outs, [(0, 1), (1, 0)], strict=True):
        runner = LevelRunner(tcn_ladder[0], compiled, 32, 2)
        runner.order = order
        runner.step(mixture, out)
    np.testing.assert_array_equal(outs[0], outs[1][::-1])
