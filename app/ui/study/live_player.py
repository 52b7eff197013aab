"""Switches between conditions that an engine runs side by side on the live stream."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from sepprune.errors import UserError

from ...engine.arrays import Frames
from ...engine.commands import Command, Hear, MatchLoudness
from ...engine.events import Failed, LoudnessMatched, Notice, Ready
from ...engine.player import HEARD_S
from ...engine.telemetry import WARM_UP
from ..engine_link import HEARTBEAT_S, Engine

#: counters of the engine whose increase voids a question
TROUBLE = (
    "input_overflows",
    "output_underflows",
    "ring_overruns",
    "ring_underruns",
    "stalls",
    "deadline_misses",
)


class LivePlayer:
    """Tells an engine what is to be heard, and keeps what an answer needs: what was heard, how long, every gap.

    Args:
        engine: not yet started, with conditions to run side by side in its settings.
        clock: the time in seconds.

    Attributes:
        ready: what the engine said when it began to run; ``None`` before.
        failed: why the engine ended, ``None`` while it runs.
        matched: the answer to :meth:`match_loudness`, ``None`` before.
        notice: what the engine said last about its devices, as a sentence.
        late: late chunks and gaps since the question was loaded, while something played.
    """

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._clock = engine, clock
        self.ready: Ready | None = None
        self.failed: str | None = None
        self.matched: LoudnessMatched | None = None
        self.notice = ""
        self.late = 0
        self._conditions: Mapping[str, int] = {}
        self._asked: Counter[str] = Counter()
        self._heard: dict[str, float] = {}
        self._playing: str | None = None
        self._held = False
        self._began: float | None = None
        self._seen = clock()
        self._trouble = 0.0

    def start(self) -> None:
        """Start the engine, or start it again."""
        self._engine.stop()
        self.ready = self.failed = self.matched = self._playing = None
        self.notice = ""
        self._trouble = 0.0
        self._engine.start()

    def match_loudness(self) -> None:
        """Make all conditions equally loud, by what was heard in the last seconds; :attr:`matched` answers."""
        self.matched = None
        self._send(MatchLoudness())

    def rows(self) -> Frames:
        """A row of :data:`~app.engine.telemetry.FRAME` for each chunk so far, without those of the warm-up."""
        rows = self._engine.telemetry.frames_since(0)
        found: Frames = rows[(rows["flags"].astype(np.int64) & WARM_UP) == 0]
        return found

    @property
    def device(self) -> str:
        """Name of the output device."""
        return "" if self.ready is None else self.ready.output_name

    @property
    def source(self) -> str:
        """Name of the microphone or file."""
        return "" if self.ready is None else self.ready.input_name

    @property
    def stopped(self) -> bool:
        """Whether the engine has ended or does not respond."""
        if self.ready is None:
            return self.failed is not None
        beat = self._engine.telemetry.counters["heartbeat"]
        return self.failed is not None or (beat > 0 and time.perf_counter() - beat > HEARTBEAT_S)

    @property
    def playing(self) -> str | None:
        """Label of what plays."""
        return self._playing

    @property
    def held(self) -> bool:
        """Whether the last seconds are repeated."""
        return self._held

    @property
    def gain_db(self) -> float:
        """Gain of everything in dB."""
        return self._engine.settings.controls.gain_db

    @property
    def seconds(self) -> float:
        """Time since the first sound of the question began; 0 before."""
        return 0.0 if self._began is None else self._clock() - self._began

    @property
    def plays(self) -> dict[str, int]:
        """Times that each sound was asked for; 0 until it was heard for :data:`~app.engine.player.HEARD_S`."""
        self._listen()
        return {
            label: self._asked[label] if self._heard.get(label, 0.0) >= HEARD_S else 0 for label in self._conditions
        }

    def load(self, conditions: Mapping[str, int]) -> None:
        """Be silent, and give labels to conditions, by their place in the engine's settings."""
        self.watch()
        if self._playing is not None:
            self._send(Hear(None))
        self._conditions, self._playing, self._held = dict(conditions), None, False
        self._asked.clear()
        self._heard.clear()
        self._began, self.late = None, 0

    def play(self, label: str) -> None:
        """Switch to a sound, also where it plays already."""
        self.watch()
        if self._began is None:
            self._began = self._clock()
        self._asked[label] += 1
        self._playing = label
        self._send(Hear(self._conditions[label], self._held))

    def stop(self) -> None:
        """Be silent."""
        self.watch()
        self._playing = None
        self._send(Hear(None, self._held))

    def hold(self, on: bool) -> None:
        """Repeat the last ten seconds from now on, or return to the running sound."""
        self.watch()
        self._held = on
        if self._playing is not None:
            self._send(Hear(self._conditions[self._playing], on))

    def set_gain(self, decibel: float) -> None:
        """Change the gain of everything."""
        settings = self._engine.settings
        self._engine.settings = replace(settings, controls=settings.controls.changed(gain_db=decibel))
        self._send(self._engine.settings.controls)

    def watch(self) -> None:
        """Take in what the engine says, and count late chunks and gaps. Those in silence do not count."""
        for event in self._engine.events():
            if isinstance(event, Ready):
                self.ready = event
            elif isinstance(event, LoudnessMatched):
                self.matched = event
            elif isinstance(event, Failed) and event.fatal:
                self.failed = event.message
            elif isinstance(event, Notice | Failed):
                self.notice = event.message
        self._listen()
        counters = self._engine.telemetry.counters
        trouble = sum(counters[name] for name in TROUBLE)
        if self._playing is not None:
            self.late += round(max(0.0, trouble - self._trouble))
        self._trouble = trouble

    def close(self) -> None:
        """End the engine."""
        self._engine.stop()

    def reopen(self) -> None:
        """Start the engine again after it has ended.

        Raises:
            UserError: it was not the engine that stopped.
        """
        if not self.stopped:
            raise UserError("the sound runs: there is nothing to open again")
        self.start()

    def _listen(self) -> None:
        now = self._clock()
        if self._playing is not None:
            self._heard[self._playing] = self._heard.get(self._playing, 0.0) + now - self._seen
        self._seen = now

    def _send(self, command: Command) -> None:
        if self.ready is not None and self.failed is None:
            self._engine.send(command)
