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
from tests.app.engine.watched import Watched


@pytest.mark.parametrize("chunk_ms", [0.5, 3.5, 8.0])
def test_levels_are_switched_while_it_runs(narrowband: Path, sound: Callable[..., Path], chunk_ms: float) -> None:
    path = sound(speech_like(2.0))
    settings = Settings(str(path), "none", str(narrowband), chunk_ms=chunk_ms, backend="openvino")
    settings = replace(settings, controls=settings.controls.changed(loop=True))
    engine = Watched(settings)
    engine.start()
    try:
        ready = engine.wait_for(Ready)
        assert (ready.sample_rate, ready.hop, ready.delay, ready.chunk) == (8000, 4, 4, round(8 * chunk_ms))
        for level in (2, 1):
            engine.send(settings.controls.changed(level=level))
            assert engine.wait_for(LevelChanged).level == level
        engine.wait_until(lambda: engine.telemetry.counters["chunks"] * chunk_ms > 500)
        _, audio = engine.telemetry.audio_since(0)
        assert np.isfinite(audio).all()
        assert np.abs(audio).max() > 0.01
        assert engine.telemetry.counters["switches"] == 2
    finally:
        engine.stop()
