"""The engine's process: builds the engine, runs its loop, obeys commands, reports events.

Importing this is cheap; PortAudio and a backend are loaded by :func:`main`, in the new process.
"""

from __future__ import annotations

import dataclasses
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection as Pipe
from typing import TYPE_CHECKING, Any

import numpy as np

from sepprune.errors import UserError

from . import commands, events
from .events import Event, Failed, FileEnded, Notice, Ready
from .outbox import Outbox
from .protocol import Settings
from .telemetry import COUNTERS, Telemetry

if TYPE_CHECKING:
    from sepprune.streaming import StreamingSeparator

#: steps before audio starts: caches fill, lazy initialisation happens
WARM_UP_STEPS = 25

#: longest turn of another Python thread, say a warm-up, while the audio thread waits: Python's 5 ms are half a chunk
SWITCH_S = 0.0005

#: longest wait for a chunk before commands and devices are looked at
TURN_S = 0.05

#: between two looks at the devices
WATCH_S = 0.25

#: a device that gives nothing but zeros for so long is muted or forbidden
SILENCE_S = 2.0

#: how long the end waits for a recording to be closed
CLOSE_S = 2.0


def main(settings: Settings, telemetry: Telemetry, inbox: Pipe, answers: Pipe) -> None:
    """Run the engine until ``Quit`` or the other end of the pipes is gone; exit status 0, 2 (user) or 1 (fault)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
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
        outbox.put(Failed(f"the audio engine met a fault ({type(error).__name__}: {error})", fatal=True))
        status = 1
    stuck = worker is not None and not worker.close()
    outbox.close()
    if status or stuck:
        sys.stderr.flush()
        os._exit(status)  # without waiting for a driver's thread that hangs


class Worker:
    """The engine with everything around it.

    Args:
        settings, telemetry: see there.
        emit: takes events, must not wait.

    Raises:
        UserError: the ladder, the level or a device cannot be used.
    """

    def __init__(self, settings: Settings, telemetry: Telemetry, emit: Callable[[Event], None]) -> None:
        from sepprune.streaming import Ladder, StreamingSeparator

        from .connection import Connection
        from .engine import Engine
        from .priority import raise_priority

        self._settings, self._telemetry, self._emit = settings, telemetry, emit
        self._connection = self._engine = self._calibration = None
        self._separator = StreamingSeparator(
            Ladder.load(settings.ladder),
            level=settings.level,
            chunk_ms=settings.chunk_ms,
            backend=settings.backend,
            precision=settings.precision,
            threads=settings.threads,
        )
        self._separator.prepare(quick=True)  # now, not while audio runs: a compiler holds up other threads
        _warm_up(self._separator)
        self._list_devices()
        self._priority = raise_priority()
        self._connection = Connection(
            settings.input,
            settings.output,
            self._separator.sample_rate,
            self._separator.chunk,
            self._separator.delay,
            settings.loop_file,
            emit,
        )
        self._engine = Engine(
            self._separator,
            self._connection.source,
            self._connection.sink,
            telemetry,
            emit=emit,
            routing=settings.routing,
            gain_db=settings.gain_db,
            fallback=settings.fallback,
        )
        self._quit = self._ended = False
        self._watch_at = 0.0
        self._silent = False
        emit(self._ready())
        self._start_calibration(settings.remeasure)
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection takes longer than a chunk; nothing here makes cycles at audio rate

    def run(self, inbox: Pipe) -> None:
        """Work until told to quit."""
        engine = self._engine
        while not self._quit:
            self._obey(inbox)
            if not engine.turn():
                engine.source.wait(TURN_S)
            moment = time.perf_counter()
            self._telemetry.set("heartbeat", moment)
            if moment >= self._watch_at:
                self._watch_at = moment + WATCH_S
                self._watch(moment)
            if engine.source.ended and not self._ended:
                self._ended = True
                self._emit(FileEnded())
            if self._ended:
                time.sleep(TURN_S)

    def close(self) -> bool:
        """End recording and close devices; False where something hangs."""
        if self._engine is not None and self._engine.recorder is not None:
            self._engine.recorder.close(CLOSE_S)
        if self._connection is not None:
            self._connection.close()
        self._separator.close()
        return self._connection is None or not self._connection.stuck

    # ---- commands ----

    def _obey(self, inbox: Pipe) -> None:
        try:
            while inbox.poll():
                command = inbox.recv()
                try:
                    self._carry_out(command)
                except UserError as error:
                    self._emit(Failed(str(error), fatal=False))
        except (EOFError, OSError):
            self._quit = True  # whoever started this process is gone

    def _carry_out(self, command: commands.Command) -> None:
        engine = self._engine
        match command:
            case commands.SetLevel(level):
                engine.set_level(level)
            case commands.SetRouting(routing):
                engine.mixer.set(routing=routing)
            case commands.SetGain(db):
                engine.mixer.set(gain_db=db)
            case commands.SetBypass(on):
                engine.mixer.set(bypass=on)
            case commands.SetMute(on):
                engine.mixer.set(muted=on)
            case commands.SetSolo(signal):
                engine.mixer.set(solo=signal)
            case commands.SetPaused(on):
                engine.mixer.set(paused=on)
            case commands.SetFallback(on):
                engine.set_fallback(on)
            case commands.SetLoop(on):
                self._connection.set_loop(on)
            case commands.MeasureRoundTrip():
                self._measure_round_trip()
            case commands.StartRecording(folder, format):
                self._start_recording(folder, format)
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
            case commands.Calibrate():
                self._start_calibration(True)
            case commands.ResetStatistics():
                for name in COUNTERS:
                    if name != "chunks":
                        self._telemetry.set(name, 0)
            case commands.Quit():
                self._quit = True

    def _measure_round_trip(self) -> None:
        from .connection import need_devices

        try:
            need_devices(*self._connection.names, "a round trip")
            self._engine.measure_round_trip()
        except UserError as error:
            self._emit(events.RoundTrip(None, None, 0.0, str(error)))

    def _start_calibration(self, anew: bool) -> None:
        """Beside the stream: make ready what is not, and measure what was not measured, or everything anew."""
        from sepprune.streaming.beside import start_beside

        separator = self._separator
        if self._calibration is not None and self._calibration.is_alive():
            return
        if anew and not separator.automatic:
            self._emit(Notice("nothing to choose: backend and precision were named when this was started"))
            self._emit(events.Calibrated([]))
            return

        def calibrate() -> None:
            separator.prepare()
            if anew or not separator.calibrated:
                trials: Sequence[Any] = ()
                try:
                    trials = separator.calibrate()
                except UserError as error:
                    self._emit(Notice(f"what is fastest here was not measured: {error}"))
                self._emit(events.Calibrated([dataclasses.asdict(trial) for trial in trials]))

        self._calibration = start_beside(calibrate, "calibration")

    def _start_recording(self, folder: str, format: str) -> None:
        from .recorder import Recorder

        if self._engine.recorder is not None and self._engine.recorder.active:
            raise UserError("a recording runs already: stop it first")
        facts = {"settings": dataclasses.asdict(self._settings), "engine": dataclasses.asdict(self._ready())}
        self._engine.recorder = Recorder(folder, self._separator.sample_rate, facts, self._emit, format)

    # ---- devices ----

    def _watch(self, moment: float) -> None:
        if stalls := self._connection.watch():
            self._telemetry.count("stalls", stalls)
        if (self._engine.source, self._engine.sink) != (self._connection.source, self._connection.sink):
            self._reconnect()
        silent = getattr(self._engine.source, "silent_s", 0.0) > SILENCE_S
        if silent and not self._silent:
            self._emit(
                Notice(
                    f'the microphone "{self._engine.source.name}" gives nothing but silence: check its mute '
                    f"switch and {_privacy_settings()}"
                )
            )
        self._silent = silent

    def _reconnect(self) -> None:
        """Take over what the connection has opened."""
        self._engine.connect(self._connection.source, self._connection.sink)
        self._ended = False
        self._emit(self._ready())

    def _list_devices(self) -> None:
        from .devices import list_devices

        try:
            self._emit(events.DevicesChanged(list_devices()))
        except UserError as error:
            self._emit(events.DevicesChanged([]))
            self._emit(Notice(str(error)))

    def _ready(self) -> Ready:
        separator, connection = self._separator, self._connection
        facts = [
            {
                "level": level.level,
                "params": level.params,
                "macs_per_second": level.macs_per_second,
                "si_sdri": None if level.si_sdri is None else dict(level.si_sdri),
            }
            for level in separator.ladder.levels
        ]
        return Ready(
            facts,
            separator.sample_rate,
            separator.chunk,
            separator.hop,
            separator.delay,
            separator.backend,
            separator.precision,
            connection.source.name,
            connection.sink.name,
            connection.source.rate,
            connection.sink.rate,
            connection.driver_in_ms,
            connection.driver_out_ms,
            self._priority,
        )


def _warm_up(separator: StreamingSeparator) -> None:
    noise = np.random.default_rng(0).standard_normal(separator.chunk).astype(np.float32) * 0.01
    for _ in range(WARM_UP_STEPS):
        separator.step(noise)
    separator.reset()


def _privacy_settings() -> str:
    return {
        "darwin": "System Settings > Privacy & Security > Microphone",
        "win32": "Settings > Privacy & security > Microphone",
    }.get(sys.platform, "the system's sound settings")
