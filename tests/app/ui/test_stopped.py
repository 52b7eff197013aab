"""While the engine is stopped nothing in the window looks live, and what the session has measured stays."""

import numpy as np

from app.engine.events import Failed
from tests.app.ui.engine_double import READY


def run(window, engine):
    engine.run(np.ones((3, 16_000), np.float32))
    window.tick()
    window.data.update_statistics()
    window.controller.refresh_text()


def live(window):
    """What says that sound runs."""
    return [
        *(meter.level.db > -100 for meter in window.tracks.meters),
        *(bool(gutter.caption) for gutter in (*window.tracks.gutters, window.latency.gutter)),
        bool(window.tracks.canvases[0].warning),
        window.tracks._axis.last == "now",
        window.latency.bar.total_ms > 0,
        window.latency.cells["recent", "p50"].text() != "–",
        "engine" in window.status._facts.text(),
    ]


def fail(window, engine):
    engine.say(Failed("the separator has failed", fatal=True))
    window.link._restarts_left = 0
    engine.telemetry.write_audio(np.ones((3, 1600), np.float32))  # what it had heard before
    window.tick()
    window.controller.refresh_text()


def test_an_engine_that_has_ended_leaves_nothing_that_looks_live(window, engine):
    run(window, engine)
    assert all(live(window))
    fail(window, engine)
    assert not any(live(window))
    assert window.tracks.canvases[0].ring.filled > 0 and window.latency.cells["session", "p50"].text() != "–"


def test_everything_lives_again_with_the_next_engine(window, engine):
    run(window, engine)
    fail(window, engine)
    window.controller.restart()
    engine.say(READY)
    window.tick()
    run(window, engine)
    assert all(live(window))


def test_nothing_looks_live_while_the_latency_lab_measures(window, engine, monkeypatch, tmp_path):
    monkeypatch.setattr("app.ui.lab.lab._folder", lambda: tmp_path)
    run(window, engine)
    window.lab.open()
    monkeypatch.setattr(window.lab.measurement, "start", lambda plan: None)
    window.lab.window.measure.start.click()
    assert not any(live(window)) and not window.timer.isActive()
