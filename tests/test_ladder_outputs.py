"""The bundled ladder computes what it computed when it was made.

    python -m tests.test_ladder_outputs

writes the reference anew, with the code and the ladder of this checkout: after a new ladder, never after a change of
the code.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from sepprune.resources import asset
from sepprune.streaming import Ladder

REFERENCE = Path(__file__).with_suffix("").with_name("ladder_outputs.npz")
#: part of the demo mixture: frames of 128 samples, and how many samples of the sources are compared, the last ones
START, FRAMES, COMPARED = 48_000, 300, 2048


def outputs(level: int) -> NDArray[np.float32]:
    """The end of the sources, ``(sources, samples)``."""
    mixture, _ = soundfile.read(asset("demo/mixture.flac"), 128 * FRAMES, START, dtype="float32")
    with torch.no_grad():
        sources, _ = Ladder.load().build(level)(torch.from_numpy(mixture)[None])
    return np.asarray(sources[0, :, -COMPARED:].numpy())


def test_every_plan_has_a_hash() -> None:
    assert all((level.plan is None) == (level.plan_sha256 is None) for level in Ladder.load().levels)


@pytest.mark.parametrize("level", range(8))
def test_a_level_gives_the_same_sources_as_when_it_was_made(level: int) -> None:
    with np.load(REFERENCE) as reference:
        assert np.abs(outputs(level) - reference[f"level{level}"]).max() < 1e-6


if __name__ == "__main__":
    np.savez_compressed(REFERENCE, **{f"level{level}": outputs(level) for level in range(8)})
