"""The engine at 8 kHz, with a ladder of an imported separator: chunks of any number of hops, live switching."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.engine.events import LevelChanged, Ready
from app.engine.protocol import Settings
from tests.app.conftest import speech_like
from tests.app.engine.rig import Rig
from tests.app.engine.watched import Watched


@pytest.mark.parametrize("chunk_ms", [0.5, 3.5, 8.0])
def test_levels_are_switched_with_chunks_of_any_number_of_hops(
    narrowband: Path, sound: Callable[..., Path], chunk_ms: float
) -> None:
    one = Rig(narrowband, sound(speech_like(2.0)), lambda step: chunk_ms / 8000, chunk_ms, routing="split")
    separator = one.separator
    assert (separator.sample_rate, separator.hop, separator.delay) == (8000, 4, 4)
    assert separator.chunk == round(8 * chunk_ms)
    for level in (2, 1):
        one.engine.run(seconds=0.5)
        one.change(level=level)
    one.engine.run()
    assert [event.level for event in one.events if isinstance(event, LevelChanged)] == [2, 1]
    heard = one.ear.heard
    assert np.isfinite(heard).all() and np.abs(heard[:, 8000:]).max() > 0.01


def test_the_engine_process_switches_levels_at_8_khz(narrowband: Path, sound: Callable[..., Path]) -> None:
    settings = Settings(str(sound(speech_like(2.0))), "none", str(narrowband), backend="openvino")
    settings = replace(settings, controls=settings.controls.changed(loop=True))
    engine = Watched(settings)
    engine.start()
    try:
        ready = engine.wait_for(Ready)
        assert (ready.sample_rate, ready.hop, ready.delay, ready.chunk) == (8000, 4, 4, 64)
        for level in (2, 1):
            engine.send(settings.controls.changed(level=level))
            assert engine.wait_for(LevelChanged).level == level
        engine.wait_until(lambda: engine.telemetry.counters["chunks"] > 60)
        _, audio = engine.telemetry.audio_since(0)
        assert np.isfinite(audio).all() and np.abs(audio).max() > 0.01
        assert engine.telemetry.counters["switches"] == 2
    finally:
        engine.stop()
