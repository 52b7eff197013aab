"""The window says that the sound server has moved the sound: real window, engine and PulseAudio."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.process import EngineProcess
from app.engine.protocol import Settings
from app.ui.settings import Preferences
from app.ui.window import MainWindow

from .virtual_audio import VirtualAudio

LOADING_MS, MOVING_MS = 60_000, 20_000


@pytest.fixture
def window(
    audio: VirtualAudio, qtbot, ladder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MainWindow]:
    monkeypatch.setenv("SEPPRUNE_CONFIG", str(tmp_path / "live.json"))
    settings = Settings("ci_mic", "ci_speaker", ladder=str(ladder), backend="openvino")
    window = MainWindow(EngineProcess(settings), Preferences())
    qtbot.addWidget(window)
    window.show()
    window.start()
    qtbot.waitUntil(lambda: streams(window) == 2, timeout=LOADING_MS)
    yield window
    window.close()


def streams(window: MainWindow) -> int:
    """How many streams the window knows the place of."""
    watch = window.sound_server.watch
    return 0 if watch is None else len(watch.moves.first)


def engine_stream(audio: VirtualAudio, window: MainWindow, kind: str) -> str:
    """Number of the engine's stream at the server; ``kind`` is ``Sink Input`` or ``Source Output``."""
    for block in audio._pactl("list").split("\n\n"):
        if block.startswith(kind) and f'application.process.id = "{window.link.process}"' in block:
            return re.findall(r"#(\d+)", block)[0]
    raise AssertionError(f"the engine has no {kind}")


def test_a_stream_that_is_moved_is_told_until_it_is_back(audio: VirtualAudio, window: MainWindow, qtbot, capfd) -> None:
    alert = window.sound_server.alert
    assert not alert.isVisible()
    stream = engine_stream(audio, window, "Sink Input")
    audio._pactl("move-sink-input", stream, "other")
    qtbot.waitUntil(alert.isVisible, timeout=MOVING_MS)
    assert re.search(r"has moved the output from “.*speaker.*” to “.*other.*”\.", alert.sentence.text())
    alert.close_button.click()
    audio._pactl("set-sink-input-mute", stream, "1")  # another change, and no other place
    qtbot.wait(1000)
    assert not alert.isVisible()
    audio._pactl("move-source-output", engine_stream(audio, window, "Source Output"), "other.monitor")
    qtbot.waitUntil(alert.isVisible, timeout=MOVING_MS)
    assert "the input from" in alert.sentence.text()
    audio._pactl("move-sink-input", stream, "speaker")
    audio._pactl("move-source-output", engine_stream(audio, window, "Source Output"), "mic.monitor")
    qtbot.waitUntil(lambda: not alert.isVisible(), timeout=MOVING_MS)
    assert [line for line in capfd.readouterr().err.splitlines() if "ALSA" in line or "Qt" in line] == []


def test_a_loudspeaker_that_is_unplugged_leaves_its_sound_to_another_one_and_that_is_told(
    audio: VirtualAudio, window: MainWindow, qtbot
) -> None:
    audio.unload("speaker")
    qtbot.waitUntil(window.sound_server.alert.isVisible, timeout=MOVING_MS)
    assert "has moved the output from" in window.sound_server.alert.sentence.text()


def test_a_closed_window_leaves_no_program_behind(audio: VirtualAudio, window: MainWindow) -> None:
    watch = window.sound_server.watch
    assert watch is not None and watch.programs
    window.close()
    assert watch.programs == []
