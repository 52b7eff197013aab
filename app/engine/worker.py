"""The engine's process: builds the engine, runs its loop, carries out commands, reports events.

Importing this module is cheap; :func:`main` loads PortAudio and a backend, in the new process.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection as Pipe

from sepprune.errors import UserError
from sepprune.signals import ignore_requests_to_end

from . import commands
from .calibration import Calibration
from .controls import Controls
from .device_settings import privacy_settings
from .events import DevicesChanged, Event, Failed, FileEnded, LoudnessMatched, Notice, Ready, Recording, RoundTrip
from .facts import level_facts
from .live_separator import LiveSeparator
from .outbox import Outbox
from .preparation import prepared_comparison, prepared_separator
from .priority import raise_priority
from .protocol import Settings
from .session_facts import session_facts
from .telemetry import COUNTERS, Telemetry

#: longest turn of another Python thread while the audio thread waits for the GIL, in seconds. Python's default of 5 ms
#: is more than half of a chunk.
SWITCH_S = 0.0005

#: longest wait for a chunk before commands are taken again, and time between two checks of the devices, in seconds
TURN_S, WATCH_S = 0.05, 0.25

BUSY_TURNS = 4  # chunks that are processed without a pause before commands are taken in between

#: a device that gives only zeros for this many seconds is muted, or the system denies access to it; and seconds that
#: the end waits for a recording to be closed
SILENCE_S, CLOSE_S = 2.0, 2.0


def main(settings: Settings, telemetry: Telemetry, inbox: Pipe, answers: Pipe) -> None:
    """Run the engine until ``Quit``, or until the other end of the pipes is closed.

    The exit status is 0, 2 (the user's input is wrong) or 1 (a fault).
    """
    ignore_requests_to_end()  # the process that started this one handles them, and its pipe ends this
    sys.setswitchinterval(SWITCH_S)
    outbox = Outbox(answers)
    status, worker = 0, None
    try:
        worker = Worker(settings, telemetry, outbox.put)
        worker.run(inbox)
    except UserError as error:
        outbox.put(Failed(str(error), fatal=True))
        status = 2
    except Exception as error:
        traceback.print_exc()
        outbox.put(Failed(f"internal error of the audio engine ({type(error).__name__}: {error})", fatal=True))
        status = 1
    stuck = worker is not None and not worker.close()
    outbox.close()
    if status or stuck:
        sys.stderr.flush()
        os._exit(status)  # a driver's thread that hangs would keep the process alive


class Worker:
    """The engine with its devices, commands and events.

    Args:
        settings: what to start with.
        telemetry: shared memory that the window reads.
        emit: takes events; must not wait.

    Raises:
        UserError: the ladder, the level or a device cannot be used.
    """

    def __init__(self, settings: Settings, telemetry: Telemetry, emit: Callable[[Event], None]) -> None:
        from .connection import Connection
        from .engine import Engine

        self._settings, self._telemetry, self._emit = settings, telemetry, emit
        self._comparison, self._calibration = None, None
        if settings.compared:
            self._comparison = prepared_comparison(settings)
        else:
            stream = prepared_separator(settings)
            self._calibration = Calibration(stream, emit)
        self._separator: LiveSeparator = self._comparison or stream
        self._list_devices()
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection takes longer than a chunk, and nothing makes cycles at audio rate
        self._priority = raise_priority()
        self._connection = Connection(
            settings.input,
            settings.output,
            self._separator.sample_rate,
            self._separator.chunk,
            self._separator.delay,
            emit,
            settings.patient,
        )
        self._engine = Engine(
            self._separator,
            self._connection.source,
            self._connection.sink,
            telemetry,
            emit=emit,
            controls=settings.controls,
        )
        self._quit = self._ended = False
        self._watch_at = 0.0
        self._silent = False
        emit(self._ready())
        chunk_ms = 1000 * self._separator.chunk / self._separator.sample_rate
        if abs(chunk_ms - settings.chunk_ms) > 1e-6:
            emit(Notice(f"the chunk of {settings.chunk_ms:g} ms was rounded up to {chunk_ms:g} ms, whole hops"))
        if self._calibration is not None:
            self._calibration.start(settings.remeasure)

    def run(self, inbox: Pipe) -> None:
        """Process chunks and commands until ``Quit``."""
        engine, turns = self._engine, 0
        while not self._quit:
            waiting = not engine.turn()
            turns = 0 if waiting else (turns + 1) % BUSY_TURNS
            if not turns:  # once a chunk; less often while chunks have piled up
                self._take_commands(inbox)
            if waiting:
                engine.source.wait(TURN_S)
            now = time.perf_counter()
            self._telemetry.set("heartbeat", now)
            if now >= self._watch_at:
                self._watch_at = now + WATCH_S
                self._watch_devices()
            if engine.source.ended and not self._ended:
                self._ended = True
                self._emit(FileEnded())
            if self._ended:
                time.sleep(TURN_S)

    def close(self) -> bool:
        """End the recording and close the devices; returns False where a driver hangs."""
        if self._engine.recorder is not None:
            self._engine.recorder.close(CLOSE_S)
        self._connection.close()
        self._separator.close()
        return not self._connection.stuck

    # ---- commands ----

    def _take_commands(self, inbox: Pipe) -> None:
        """Carry out what has arrived, in order; of several :class:`Controls` only the latest."""
        received: list[commands.Command] = []
        try:
            while inbox.poll():
                received.append(inbox.recv())
        except (EOFError, OSError):
            self._quit = True  # the process that started this one has ended
        latest = next((command for command in reversed(received) if isinstance(command, Controls)), None)
        for command in received:
            if isinstance(command, Controls) and command is not latest:
                continue
            try:
                self._carry_out(command)
            except UserError as error:
                self._emit(Failed(str(error), fatal=False))

    def _carry_out(self, command: commands.Command) -> None:
        engine = self._engine
        match command:
            case Controls():
                engine.apply(command)
            case commands.RetryWantedLevel():
                engine.retry_wanted_level()
            case commands.MeasureRoundTrip():
                self._measure_round_trip()
            case commands.StartRecording():
                self._start_recording(command)
            case commands.StopRecording():
                if engine.recorder is not None:
                    engine.recorder.stop()
                    engine.recorder = None
            case commands.SetDevices(input, output):
                try:
                    self._connection.change(input, output)
                except UserError as error:
                    self._emit(Failed(str(error), fatal=False))
                self._reconnect()
            case commands.Rescan():
                self._connection.rescan()
                self._list_devices()
                self._reconnect()
            case commands.Calibrate() if self._calibration is not None:
                self._calibration.start(again=True)
            case commands.Seek(seconds):
                engine.source.seek(seconds)
            case commands.Hear(condition, held) if self._comparison is not None:
                self._comparison.hear(condition, held)
            case commands.MatchLoudness() if self._comparison is not None:
                routing = engine.controls.routing
                self._comparison.match_loudness(routing, lambda gains: self._emit(LoudnessMatched(gains)))
            case commands.ResetStatistics():
                for name in COUNTERS:
                    if name != "chunks":
                        self._telemetry.set(name, 0)
            case commands.Quit():
                self._quit = True

    def _measure_round_trip(self) -> None:
        from .connection import need_devices

        try:
            need_devices(self._connection.input, self._connection.output, "a round trip")
            self._engine.measure_round_trip()
        except UserError as error:
            self._emit(RoundTrip(None, None, 0.0, str(error)))

    def _start_recording(self, wanted: commands.StartRecording) -> None:
        from .recorder import Recorder

        running = self._engine.recorder
        if running is not None and running.active:
            if running.folder is not None:  # who asked does not know of it, and could not stop it
                self._emit(Recording(str(running.folder)))
            raise UserError("a recording runs already: stop it first")
        now = replace(
            self._settings,
            input=self._connection.input,
            output=self._connection.output,
            controls=self._engine.controls,
        )
        facts = session_facts(now, self._ready(), wanted.voices)
        self._engine.recorder = Recorder(wanted.folder, self._separator.sample_rate, facts, self._emit, wanted.format)

    # ---- devices ----

    def _watch_devices(self) -> None:
        if stalls := self._connection.watch():
            self._telemetry.count("stalls", stalls)
        if (self._engine.source, self._engine.sink) != (self._connection.source, self._connection.sink):
            self._reconnect()
        source = self._engine.source
        silent = source.silent_s > SILENCE_S
        if silent and not self._silent:
            self._emit(
                Notice(
                    f'the microphone "{source.name}" gives nothing but silence: check its mute switch and '
                    f"{privacy_settings()}"
                )
            )
        self._silent = silent

    def _reconnect(self) -> None:
        """Use the source and sink that the connection has opened."""
        self._engine.connect(self._connection.source, self._connection.sink)
        self._ended = False
        self._emit(self._ready())

    def _list_devices(self) -> None:
        from .devices import list_devices

        try:
            self._emit(DevicesChanged(tuple(list_devices())))
        except UserError as error:
            self._emit(DevicesChanged(()))
            self._emit(Notice(str(error)))

    def _ready(self) -> Ready:
        separator, connection = self._separator, self._connection
        return Ready(
            level_facts(separator.ladder.levels),
            separator.sample_rate,
            separator.chunk,
            separator.hop,
            separator.delay,
            separator.backend,
            separator.precision,
            connection.input,
            connection.output,
            connection.source.name,
            connection.sink.name,
            connection.source.rate,
            connection.sink.rate,
            connection.driver_in_ms,
            connection.driver_out_ms,
            self._priority,
            connection.source.resampler_ms + connection.sink.resampler_ms,
            self._settings.threads,
        )
