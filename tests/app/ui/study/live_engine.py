"""The real engine with its commands in virtual time, in place of the engine's process."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PyQt6.QtCore import Qt
from PyQt6.QtTest import QTest

from app.engine.clock import VirtualClock
from app.engine.commands import Command, Hear, MatchLoudness
from app.engine.controls import Controls
from app.engine.engine import Engine
from app.engine.events import Event, Failed, LoudnessMatched, Ready
from app.engine.facts import level_facts
from app.engine.protocol import Settings
from app.engine.side_by_side import SideBySide
from app.engine.sources import FileSource
from app.engine.telemetry import Telemetry
from app.ui.study.live_pages import Measuring
from app.ui.study.live_player import LivePlayer
from app.ui.study.live_window import LiveWindow
from app.ui.study.pages import Message, Questionnaire, Volume
from sepprune.streaming import Ladder
from sepprune.study.live import live_study, running
from tests.app.engine.rig import CHUNK, Ear

KEY = Qt.Key


class LiveEngine:
    """Runs side by side what its settings name; :meth:`run` lets time pass.

    Attributes:
        sent: every command.
        compute_s: seconds of virtual time that a chunk takes.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.telemetry, self.alive = settings, Telemetry(), False
        self.clock, self.sent, self.compute_s = VirtualClock(), list[Command](), 0.0
        self.starts = 0
        self._said: list[Event] = []

    def start(self) -> None:
        self.alive, self.telemetry, self.starts = True, Telemetry(), self.starts + 1
        self.separator = SideBySide(Ladder.load(self.settings.ladder), self.settings.compared)
        self.ear = Ear(self.clock)
        source = FileSource(self.settings.input, CHUNK, 16_000, self.clock, loop=True)
        step = self.separator.step

        def slow(chunk: np.ndarray) -> np.ndarray:
            self.clock.advance(self.compute_s)
            return step(chunk)

        self.separator.step = slow  # type: ignore[method-assign]  # a computer of any speed
        controls = self.settings.controls
        self.engine = Engine(
            self.separator,
            source,
            self.ear,
            self.telemetry,
            clock=self.clock,
            emit=self._said.append,
            controls=controls,
        )
        facts = level_facts(self.separator.ladder.levels)
        names = ("tiny.wav", "none", "A microphone", "Virtual headphones")
        self.say(Ready(facts, 16_000, CHUNK, 128, self.separator.delay, "openvino", "fp32", *names, 16_000, 16_000))

    def stop(self) -> None:
        self.alive = False

    def say(self, event: Event) -> None:
        self._said.append(event)

    def events(self) -> list[Event]:
        said, self._said[:] = list(self._said), []
        return said

    def send(self, command: Command) -> None:
        self.sent.append(command)
        match command:
            case Hear(condition, held):
                self.separator.hear(condition, held)
            case MatchLoudness():
                self.separator.match_loudness("split", lambda gains: self.say(LoudnessMatched(gains)))
            case Controls():
                self.engine.apply(command)

    def run(self, seconds: float) -> None:
        self.engine.run(seconds)
        self.telemetry.set("heartbeat", 0.0)  # virtual time has no heartbeat

    def die(self) -> None:
        self.say(Failed("the audio engine ended by signal 9: start it again", fatal=True))


class LiveListener:
    """Presses keys in the window of a blind comparison."""

    def __init__(self, window: LiveWindow, engine: LiveEngine) -> None:
        self.window, self.engine = window, engine

    def press(self, *keys: Qt.Key) -> None:
        for key in keys:
            QTest.keyClick(self.window.focusWidget() or self.window, key)

    def hear(self, seconds: float = 0.25) -> None:
        self.engine.run(seconds)
        self.window.tick()

    def measure(self) -> None:
        """Let the page measure, and wait for the thread that compares the loudness."""
        page = self.window.page
        assert isinstance(page, Measuring)
        self.hear(0.2)
        self.hear(6.0)
        for _ in range(500):
            if page.done:
                return
            QTest.qWait(10)
            self.window.tick()
        raise AssertionError("nothing was measured")

    def reach_the_first_question(self) -> None:
        self.press(KEY.Key_Return)
        assert isinstance(self.window.page, Questionnaire)
        self.press(KEY.Key_Return)
        self.measure()
        self.leave_measuring()
        assert isinstance(self.window.page, Volume)
        self.press(KEY.Key_Space)
        self.hear()
        self.press(KEY.Key_Tab, KEY.Key_Return)
        assert isinstance(self.window.page, Message)
        self.press(KEY.Key_Return)

    def leave_measuring(self) -> None:
        self.press(KEY.Key_Return)

    def play_all(self) -> None:
        for key in (KEY.Key_1, KEY.Key_2, KEY.Key_3):
            self.press(key)
            self.hear()


def open_live(
    ladder: Path, sound: Path, folder: Path, qtbot, seed: int | None = 3, trials: int = 3, compared=(0, 2), **settings
):
    """A window that is shown, its timer stopped, so that the test decides when it ticks."""
    study = live_study(Ladder.load(ladder), compared, trials)
    controls = Controls(routing="split")
    engine = LiveEngine(
        Settings(str(sound), "none", str(ladder), controls=controls, compared=tuple(running(study).values()))
    )
    window = LiveWindow(study, folder, LivePlayer(engine, engine.clock.now), seed, **settings)
    window.timer.stop()
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    return SimpleNamespace(window=window, engine=engine, listener=LiveListener(window, engine))
