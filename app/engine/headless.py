"""A session without a window: the same engine, and a latency report as a table and as JSON."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.console import Console
from rich.table import Table

from sepprune.bench.facts import Fact
from sepprune.printing import print_trimmed
from sepprune.signals import asked_to_end

from .commands import StartRecording, StopRecording
from .events import (
    Calibrated,
    Event,
    Failed,
    FellBack,
    FileEnded,
    LevelChanged,
    LevelFailed,
    Notice,
    Ready,
    Recording,
    RecordingFailed,
)
from .facts import summary
from .input_hint import InputHint, decibels
from .lateness import late_words
from .machine import live_facts
from .process import EngineProcess
from .protocol import Settings
from .server_watch import ServerWatch
from .statistics import LatencyStatistics, Report

#: seconds between two readings of events and telemetry
POLL_S = 0.05

#: seconds that a file's last sound may take from the engine to the loudspeaker
DRAIN_S = 0.5

#: seconds that the engine may take to close a recording
CLOSE_S = 3.0


@dataclass(frozen=True)
class Outcome:
    """Result of a session. Without report and problem, Ctrl-C ended it before the engine ran.

    Args:
        report: the JSON object of ``sepprune-live``; ``None`` where the engine never ran.
        problem: why the session ended early, as one sentence; ``None`` where nothing failed.
        user_caused: whether the user's input was the cause.
    """

    report: Report | None
    problem: str | None = None
    user_caused: bool = False


class Session:
    """Runs an engine process until its time is up.

    Args:
        settings: of the engine.
        seconds: of audio, counted from the moment it runs; ``None``: until the file ends or Ctrl-C.
        record: folder to record into.
        say: prints a sentence for the user.
        record_format: one of :data:`~app.engine.protocol.RECORDING_FORMATS`.
    """

    def __init__(
        self,
        settings: Settings,
        seconds: float | None,
        record: str | None = None,
        say: Callable[[str], None] = lambda sentence: print(sentence, file=sys.stderr),
        record_format: str = "wav",
    ) -> None:
        self._controls = settings.controls
        if record is not None:  # the sound waits until it is recorded, so that its beginning is not missing
            settings = replace(settings, controls=settings.controls.changed(paused=True))
        self._engine = EngineProcess(settings)
        self._seconds, self._say = seconds, say
        self._record = None if record is None else StartRecording(record, record_format)
        self._statistics = LatencyStatistics()
        self._ready: Ready | None = None
        self._machine: dict[str, Fact] = {}
        self._failed: Failed | None = None
        self._not_recorded: str | None = None  # why the requested recording could not start, or has ended early
        self._recording = self._file_ended = self._interrupted = self._refused = False
        self._notices: list[str] = []
        self._next_frame = self._position = 0
        self._hint = InputHint()
        self._server: ServerWatch | None = None
        self._moved: deque[list[str]] = deque()  # what the watch of the sound server has told
        self._elsewhere: list[str] = []  # the last of these

    def run(self) -> Outcome:
        """Start the engine, wait, and stop it.

        Ctrl-C, SIGTERM and a closed terminal end the session early, with its report; a second one ends it immediately.
        """
        ran = False
        with asked_to_end(lambda *_: None):  # what ends the processes is not interrupted
            try:
                with asked_to_end(self._interrupt):
                    try:
                        self._engine.start()
                        self._watch()
                        ran = self._ready is not None or self._failed is not None
                    finally:
                        self._finish()
            finally:
                self._engine.kill()
                if self._server is not None:
                    self._server.close()
        if self._interrupted and not ran:
            return Outcome(None)
        if self._ready is None:
            fallback = "the audio engine did not start" if self._failed is None else self._failed.message
            return Outcome(None, fallback, self._engine.exit_status == 2)
        report = self._statistics.report(self._ready, self._engine.telemetry.counters)
        report["machine"], report["machine_after"] = self._machine, live_facts(self._ready)
        report["notices"] = self._notices
        if self._failed is not None:
            return Outcome(report, self._failed.message, self._engine.exit_status == 2)
        if self._not_recorded is not None:
            return Outcome(report, self._not_recorded, user_caused=True)
        return Outcome(report)

    def _interrupt(self, *_: object) -> None:
        # noted rather than raised: an exception while events are taken would lose them
        if self._interrupted:
            raise KeyboardInterrupt
        self._interrupted = True

    def _watch(self) -> None:
        end = math.inf
        while self._failed is None and not self._refused and not self._interrupted and time.monotonic() < end:
            was_ready, had_ended = self._ready is not None, self._file_ended
            self._poll()
            if not was_ready and self._ready is not None:
                end = time.monotonic() + (math.inf if self._seconds is None else self._seconds)
                if self._record is not None:
                    self._engine.send(self._record)
                    self._engine.send(self._controls)
            if self._file_ended and not had_ended:
                end = min(end, time.monotonic() + DRAIN_S)
            if not self._engine.alive:
                self._poll()
                return
            time.sleep(POLL_S)

    def _finish(self) -> None:
        if self._recording and self._engine.alive:
            self._engine.send(StopRecording())
            end = time.monotonic() + CLOSE_S
            while self._recording and self._engine.alive and time.monotonic() < end and not self._engine.hangs:
                self._poll()
                time.sleep(POLL_S)
        self._engine.stop()
        self._poll()

    def _poll(self) -> None:
        for event in self._engine.events():
            self._take(event)
        for _ in range(len(self._moved)):
            before, self._elsewhere = self._elsewhere, self._moved.popleft()
            for sentence in self._elsewhere:
                if sentence not in before:
                    self._tell(sentence)
        frames = self._engine.telemetry.frames_since(self._next_frame)
        if len(frames):
            self._next_frame = int(frames["index"][-1]) + 1
            self._statistics.add(frames)
        self._judge_input()

    def _judge_input(self) -> None:
        """Say once each when the input is too quiet or clipped."""
        self._position, audio = self._engine.telemetry.audio_since(self._position)
        if self._ready is None or not audio.shape[1]:
            return
        self._hint.feed(decibels(audio[0]), audio.shape[1] / self._ready.sample_rate)
        remedy = self._hint.remedy
        if remedy and remedy not in self._notices:
            self._tell(remedy)

    def _take(self, event: Event) -> None:
        match event:
            case Ready():
                if self._ready is None and not self._interrupted:
                    self._say(
                        f"{event.input_name} ({_rates(event.input_rate, event.sample_rate)}) -> "
                        f"{event.output_name}, {event.backend} {event.precision}, {event.chunk} samples a chunk"
                    )
                    self._machine = live_facts(event)
                    if self._engine.pid is not None:
                        self._server = ServerWatch(self._engine.pid, self._moved.append)
                self._ready = event
            case Failed(message, fatal):
                if fatal:
                    self._failed = event
                else:
                    self._tell(message)
            case RecordingFailed(message):
                if self._recording:  # the sound continues, and the session fails at its end
                    self._tell(message)
                else:
                    self._refused = True
                self._not_recorded = message
            case Notice(message) | FellBack(message=message) | LevelFailed(message=message):
                self._tell(message)
            case LevelChanged(level=level, switch_ms=switch_ms):
                self._say(f"level {level} after {switch_ms:.0f} ms")
            case Calibrated(trials) if trials:
                self._say(f"fastest on this machine: {summary(trials)}")
            case Recording(path):
                self._recording = path is not None
                if path is not None:
                    self._say(f"recording into {path}")
            case FileEnded():
                self._file_ended = True

    def _tell(self, message: str) -> None:
        self._notices.append(message)
        self._say(message)


def print_report(report: Report, console: Console) -> None:
    """Print the chunk times of every level, the parts of the latency, and the counters."""
    latency = report["latency"]
    table = Table(title=f"Chunk time in ms, deadline {latency['chunk_ms']:g} ms ({report['backend']})")
    for name in ("level", "chunks", "p50", "p95", "p99", "max", "deadline misses"):
        table.add_column(name, justify="right")
    for row in report["levels"]:
        table.add_row(
            str(row["level"]),
            str(row["chunks"]),
            *(f"{row[key]:.2f}" for key in ("p50_ms", "p95_ms", "p99_ms", "max_ms")),
            str(row["deadline_misses"]),
        )
    print_trimmed(console, table if report["levels"] else "No chunk was timed: the sound was too short.")
    print_trimmed(
        console,
        f"Input to output {latency['input_to_output_ms']:.1f} ms: "
        + " + ".join(f"{part['name']} {part['ms']:.1f}" for part in latency["parts"]),
    )
    if any(report["late_chunks"].values()):
        print_trimmed(console, f"Late chunks: {late_words(report['late_chunks'])}")
    print_trimmed(
        console,
        ", ".join(
            f"{name.replace('_', ' ')} {report[name]}"
            for name in (
                "input_overflows",
                "output_underflows",
                "ring_overruns",
                "ring_underruns",
                "stalls",
                "switches",
                "fallbacks",
                "bad_samples",
            )
        ),
    )


def _rates(device: int, model: int) -> str:
    return f"{device} Hz" if device == model else f"{device} -> {model} Hz"
