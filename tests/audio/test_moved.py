"""The window says that the sound server has moved the sound: real window, engine and PulseAudio."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine.commands import SetDevices
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
    audio._pactl("set-default-sink", "speaker")  # where "default" plays for as long as it is there
    settings = Settings("ci_mic", "default", ladder=str(ladder), backend="openvino")
    window = MainWindow(EngineProcess(settings), Preferences())
    qtbot.addWidget(window)
    window.show()
    window.start()
    qtbot.waitUntil(lambda: streams(window) == 2, timeout=LOADING_MS)
    yield window
    window.close()


def streams(window: MainWindow) -> int:
    """How many directions the window knows the first place of."""
    watch = window.sound_server.watch
    return 0 if watch is None else len(watch.moves.first)


def engine_stream(audio: VirtualAudio, window: MainWindow, kind: str) -> str:
    """Number of the engine's stream at the server, "" for none; ``kind`` is ``Sink Input`` or ``Source Output``."""
    for block in audio._pactl("list").split("\n\n"):
        if block.startswith(kind) and f'application.process.id = "{window.link.process}"' in block:
            return re.findall(r"#(\d+)", block)[0]
    return ""


def change(audio: VirtualAudio, window: MainWindow, kind: str, command: str, argument: str) -> bool:
    """Change the engine's stream; false where there is none, as for a moment after a loss of sound."""
    stream = engine_stream(audio, window, kind)
    with contextlib.suppress(subprocess.CalledProcessError):  # it has ended meanwhile
        audio._pactl(command, stream, argument)
        return True
    return False


def test_a_stream_that_is_moved_is_told_until_it_is_back(audio: VirtualAudio, window: MainWindow, qtbot, capfd) -> None:
    alert = window.sound_server.alert

    def move_output(device: str) -> bool:
        return change(audio, window, "Sink Input", "move-sink-input", device)

    def move_input(device: str) -> bool:
        return change(audio, window, "Source Output", "move-source-output", device)

    assert not alert.isVisible()
    qtbot.waitUntil(lambda: move_output("other") and alert.isVisible(), timeout=MOVING_MS)
    assert re.search(r"has moved the output from “.*speaker.*” to “.*other.*”\.", alert.sentence.text())
    alert.close_button.click()
    change(audio, window, "Sink Input", "set-sink-input-mute", "1")  # another change, and no other place
    qtbot.wait(1000)
    assert not alert.isVisible()
    qtbot.waitUntil(lambda: move_input("other.monitor") and alert.isVisible(), timeout=MOVING_MS)
    assert "the input from" in alert.sentence.text()
    qtbot.waitUntil(
        lambda: move_output("speaker") and move_input("mic.monitor") and not alert.isVisible(), timeout=MOVING_MS
    )
    assert [line for line in capfd.readouterr().err.splitlines() if "ALSA" in line or "Qt" in line] == []


def test_a_loudspeaker_that_is_unplugged_leaves_its_sound_to_another_one_and_that_is_told(
    audio: VirtualAudio, window: MainWindow, qtbot
) -> None:
    audio.unload("speaker")
    qtbot.waitUntil(window.sound_server.alert.isVisible, timeout=MOVING_MS)
    assert "has moved the output from" in window.sound_server.alert.sentence.text()


def test_a_move_is_told_after_a_loss_of_sound_too_when_another_stream_is_started(
    audio: VirtualAudio, window: MainWindow, qtbot
) -> None:
    engine, stream = window.link.process, engine_stream(audio, window, "Sink Input")
    assert engine is not None
    os.kill(engine, signal.SIGSTOP)
    audio.unload("speaker")
    qtbot.wait(1000)
    os.kill(engine, signal.SIGCONT)
    qtbot.waitUntil(lambda: engine_stream(audio, window, "Sink Input") not in ("", stream), timeout=MOVING_MS)
    qtbot.wait(1000)  # the watch sees the new stream
    qtbot.waitUntil(window.sound_server.alert.isVisible, timeout=MOVING_MS)


def test_a_device_that_is_chosen_in_the_window_is_not_told_as_moved(
    audio: VirtualAudio, window: MainWindow, qtbot
) -> None:
    audio._pactl("set-default-sink", "other")
    qtbot.waitUntil(window.sound_server.alert.isVisible, timeout=MOVING_MS)
    watch = window.sound_server.watch
    assert watch is not None
    window.link.send(SetDevices("ci_mic", "ci_speaker"))
    qtbot.waitUntil(lambda: not window.sound_server.alert.isVisible(), timeout=MOVING_MS)
    window.link.send(SetDevices("ci_mic", "default"))
    qtbot.waitUntil(lambda: "other" in {place.name for place in watch.moves.first.values()}, timeout=MOVING_MS)


def test_a_closed_window_leaves_no_program_behind(audio: VirtualAudio, window: MainWindow, qtbot) -> None:
    watch = window.sound_server.watch
    assert watch is not None
    qtbot.waitUntil(lambda: bool(watch.programs), timeout=MOVING_MS)
    window.close()
    assert watch.programs == []
