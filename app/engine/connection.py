"""The engine's input and output: opens them by name, watches over them, opens them again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sepprune.errors import UserError
from sepprune.resources import asset

from . import devices
from .clock import RealClock
from .devices import OpenDevice
from .events import Event, Notice
from .protocol import DEMO, NONE
from .sinks import LoudspeakerSink, NullSink, Sink
from .sources import FileSource, MicrophoneSource, Source

#: a device that has not called for so long has stalled, flag or no flag
STALL_S = 1.0

#: a device that was just opened may take its time: PulseAudio's null sinks need two seconds for their first call
GRACE_S = 4.0

#: between attempts to open a lost device again
RETRY_S = 2.0


@dataclass(eq=False)
class _Side:
    """Input or output: what was asked for, and the device where it is one."""

    direction: str
    wanted: str
    device: OpenDevice | None = None
    lost: bool = False
    attempt_at: float = 0.0
    opened_at: float = 0.0


class Connection:
    """Source and sink as they are named in the settings.

    Args:
        input, output: as in :class:`~app.engine.protocol.Settings`.
        sample_rate, chunk, delay: of the separator.
        loop_file: as in the settings.
        emit: takes notices.

    Raises:
        UserError: one of them cannot be opened.
    """

    def __init__(
        self,
        input: str,
        output: str,
        sample_rate: int,
        chunk: int,
        delay: int,
        loop_file: bool,
        emit: Callable[[Event], None],
    ) -> None:
        self._sample_rate, self._chunk, self._delay = sample_rate, chunk, delay
        self._loop_file, self._emit, self._clock = loop_file, emit, RealClock()
        self._input, self._output = _Side("input", input), _Side("output", output)
        self.source: Source
        self.sink: Sink
        self.stuck = False  #: a driver did not come back from closing a device
        self._connect_output()
        try:
            self._connect_input()
        except UserError:
            self.close()
            raise

    @property
    def driver_in_ms(self) -> float:
        """What the input's driver states as its latency."""
        return self._input.device.latency_ms if self._input.device else 0.0

    @property
    def driver_out_ms(self) -> float:
        """What the output's driver states as its latency."""
        return self._output.device.latency_ms if self._output.device else 0.0

    @property
    def names(self) -> tuple[str, str]:
        """Input and output as they were asked for."""
        return self._input.wanted, self._output.wanted

    def set_loop(self, on: bool) -> None:
        """Start files again at their end, this one and later ones, or not."""
        self._loop_file = on
        if isinstance(self.source, FileSource):
            self.source.loop = on

    def change(self, input: str, output: str) -> None:
        """Open other devices; where one fails, the old ones are restored.

        Raises:
            UserError: one of the new ones cannot be opened.
        """
        old, source, sink = (self._input, self._output), self.source, self.sink
        try:
            if output != self._output.wanted:
                self._close_device(self._output)
                self._output = _Side("output", output)
                self._connect_output()
            if input != self._input.wanted or source.ended:
                self._close_device(self._input)
                self._input = _Side("input", input)
                self._connect_input()
        except UserError:
            for side in {self._input, self._output} - set(old):
                self._close_device(side)
            (self._input, self._output), self.source, self.sink = old, source, sink
            for side in old:
                if _is_device(side) and side.device is None:
                    self._reopen(side)
            raise
        if self.source is not source:
            source.close()

    def rescan(self) -> None:
        """Look for devices anew; open ones are closed for it and opened again."""
        self._close_devices()
        if self.stuck:
            self._emit(Notice("a driver hangs, so devices cannot be looked for: restart the engine"))
        else:
            devices.rescan()
        for side in (self._output, self._input):
            if _is_device(side):
                self._reopen(side)

    def watch(self) -> int:
        """Notice devices that stopped calling, and try to open them again; returns how many have stopped just now.

        A lost device is opened under its old name. For a whole new look at the devices (:meth:`rescan`), which
        interrupts the other device too, somebody has to ask.
        """
        now, stalls = time.perf_counter(), 0
        for side in (self._input, self._output):
            if not _is_device(side):
                continue
            if not side.lost and self._stalled(side, now):
                stalls += 1
                side.lost, side.attempt_at = True, now
                self._emit(
                    Notice(
                        f'the {side.direction} device "{side.wanted}" has stopped: it was unplugged or '
                        "its driver hangs; it is opened again as soon as that works"
                    )
                )
            if side.lost and now >= side.attempt_at:
                self._reopen(side)
        return stalls

    def close(self) -> None:
        """Close files and devices."""
        self._close_devices()
        if hasattr(self, "source"):
            self.source.close()

    def _connect_input(self) -> None:
        side = self._input
        if _is_device(side):
            side.device, side.opened_at = self._open(side), time.perf_counter()
            self.source = MicrophoneSource(side.device.port, side.device.info.identity, self._chunk, self._sample_rate)
        else:
            path = asset("demo/mixture.flac") if side.wanted == DEMO else side.wanted
            self.source = FileSource(path, self._chunk, self._sample_rate, self._clock, self._loop_file, self._delay)

    def _connect_output(self) -> None:
        side = self._output
        if _is_device(side):
            side.device, side.opened_at = self._open(side), time.perf_counter()
            self.sink = LoudspeakerSink(
                side.device.port, side.device.info.identity, self._chunk, self._sample_rate, time.perf_counter
            )
        else:
            self.sink = NullSink(time.perf_counter)

    def _open(self, side: _Side) -> OpenDevice:
        opener = devices.open_input if side.direction == "input" else devices.open_output
        return opener(side.wanted, self._sample_rate, self._chunk)

    def _stalled(self, side: _Side, now: float) -> bool:
        waited = now - side.device.port.last_call
        return waited > STALL_S and now - side.opened_at > GRACE_S

    def _reopen(self, side: _Side) -> None:
        self._close_device(side)
        try:
            self._connect_input() if side.direction == "input" else self._connect_output()
        except UserError:
            side.lost, side.attempt_at = True, time.perf_counter() + RETRY_S
            return
        if side.lost:
            side.lost = False
            self._emit(Notice(f'the {side.direction} device "{side.wanted}" is open again'))

    def _close_device(self, side: _Side) -> None:
        if side.device is not None and not side.device.close():
            self.stuck = True
        side.device = None

    def _close_devices(self) -> None:
        for side in (self._input, self._output):
            self._close_device(side)


def need_devices(input: str, output: str, purpose: str) -> None:
    """Make sure that input and output, as in the settings, are devices.

    Args:
        purpose: what needs them.

    Raises:
        UserError: one of them is a file, ``demo`` or ``none``.
    """
    for wanted, is_other, side, what in (
        (input, is_file(input), "input", "a microphone"),
        (output, output == NONE, "output", "a loudspeaker"),
    ):
        if is_other:
            raise UserError(f'{purpose} needs {what}: the {side} is "{wanted}", choose a device instead')


def _is_device(side: _Side) -> bool:
    if side.direction == "output":
        return side.wanted != NONE
    return not is_file(side.wanted)


def is_file(wanted: str) -> bool:
    """Whether an input names a file, real or not, rather than a device."""
    path = Path(wanted)
    is_folder = path.is_dir() and path.name != wanted  # a device may be called as something lying around here
    return wanted == DEMO or path.is_file() or is_folder or path.suffix.lower() in SOUND_SUFFIXES


#: endings by which a missing file is told from a missing device
SOUND_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au", ".caf", ".w64", ".raw"})
