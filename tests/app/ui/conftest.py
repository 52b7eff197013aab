"""A window with an engine that keeps the commands that it is sent."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from collections.abc import Callable

import pytest
from PyQt6.QtGui import QPalette
from pytestqt.qtbot import QtBot

from app.engine.events import DevicesChanged
from app.ui.settings import Preferences
from app.ui.window import MainWindow
from tests.app.ui.engine_double import DEVICES, READY, EngineDouble


@pytest.fixture(autouse=True)
def settings_path(tmp_path, monkeypatch):
    """Settings file of the test: no test reads or writes the user's settings."""
    path = tmp_path / "settings" / "live.json"
    monkeypatch.setenv("SEPPRUNE_CONFIG", str(path))
    return path


@pytest.fixture
def engine() -> EngineDouble:
    return EngineDouble()


@pytest.fixture
def windows() -> list[MainWindow]:
    """Keeps windows alive until qtbot has closed them."""
    return []


@pytest.fixture
def make_window(windows: list[MainWindow], qtbot: QtBot, qapp, engine: EngineDouble) -> Callable[..., MainWindow]:
    """Shows a window whose timer is stopped, so that the test decides when it ticks."""
    palette = QPalette(qapp.palette())

    def make(preferences: Preferences | None = None) -> MainWindow:
        window = MainWindow(engine, preferences or Preferences())
        windows.append(window)
        qtbot.addWidget(window)
        with qtbot.waitExposed(window):
            window.show()
        window.start()
        window.timer.stop()
        return window

    yield make
    qapp.setPalette(palette)


@pytest.fixture
def window(make_window: Callable[..., MainWindow], engine: EngineDouble) -> MainWindow:
    """A window whose engine is ready, with a few devices."""
    window = make_window()
    engine.say(READY, DevicesChanged(DEVICES))
    window.tick()
    engine.sent.clear()
    return window
