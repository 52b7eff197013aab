"""The engine's input and output: opens them by name, watches them, and opens lost devices again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from sepprune.errors import UserError
from sepprune.resources import asset

from . import devices
from .clock import RealClock
from .device_side import Side
from .events import Event, Notice
from .inputs import is_file
from .ports import InputPort, OutputPort
from .protocol import DEMO, NONE
from .sinks import LoudspeakerSink, NullSink, Sink
from .sources import FileSource, MicrophoneSource, Source

#: seconds between two attempts to open a lost device
RETRY_S = 2.0


class Connection:
    """Source and sink as the settings name them.

    Args:
        input, output: as in :class:`~app.engine.protocol.Settings`.
        sample_rate: of the separator, in hertz.
        chunk, delay: of the separator, in samples.
        emit: takes notices.
        patient: an output that cannot be opened is no error: sound is discarded until it appears.

    Attributes:
        source, sink: what is open.
        stuck: a driver did not return from closing a device.

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
        emit: Callable[[Event], None],
        patient: bool = False,
    ) -> None:
        self._sample_rate, self._chunk, self._delay = sample_rate, chunk, delay
        self._emit, self._clock = emit, RealClock()
        self._input: Side[InputPort] = Side("input", input)
        self._output: Side[OutputPort] = Side("output", output)
        self.stuck = False
        self._note: str | None = None
        self._plugged = devices.plugged()
        self.sink: Sink = self._awaited_output() if patient else self._open_output(self._output)
        try:
            self.source: Source = self._open_input(self._input)
        except UserError:
            self._close_devices()
            raise

    @property
    def driver_in_ms(self) -> float:
        """Latency that the input's driver states."""
        return self._input.latency_ms

    @property
    def driver_out_ms(self) -> float:
        """Latency that the output's driver states."""
        return self._output.latency_ms

    @property
    def input(self) -> str:
        """The input in use, as :class:`~app.engine.protocol.Settings` name it."""
        return self._input.name

    @property
    def output(self) -> str:
        """The output in use, as :class:`~app.engine.protocol.Settings` name it."""
        return self._output.name

    def change(self, input: str, output: str) -> None:
        """Open other devices; where one cannot be opened, the old ones are restored.

        Raises:
            UserError: one of the new ones cannot be opened.
        """
        old_input, old_output, source, sink = self._input, self._output, self.source, self.sink
        try:
            if output not in (old_output.wanted, old_output.name):
                self._close_device(old_output)
                self._output = Side("output", output)
                self.sink = self._open_output(self._output)
            if input not in (old_input.wanted, old_input.name) or source.ended:
                self._close_device(old_input)
                self._input = Side("input", input)
                self.source = self._open_input(self._input)
        except UserError:
            for side in (self._input, self._output):
                if side not in (old_input, old_output):
                    self._close_device(side)
            self._input, self._output, self.source, self.sink = old_input, old_output, source, sink
            self._reopen_missing()
            raise
        if self.source is not source:
            source.close()

    def rescan(self) -> None:
        """Search for devices again; open ones are closed for it and opened again."""
        self._close_devices()
        if self.stuck:
            self._emit(Notice("a driver hangs, so the search for devices is not possible: restart the engine"))
        else:
            with contextlib.suppress(UserError):  # PortAudio is not installed: listing the devices reports that
                devices.rescan()
        self._reopen_missing()

    def watch(self) -> int:
        """Detect devices that stopped calling, and try to open them again.

        A lost device is opened under its old name. A search for devices (:meth:`rescan`) interrupts the other device
        too, so it only happens when the user asks for it, when the system has got a device, or when no other is open.

        Returns:
            Devices that have stopped since the last call.
        """
        now, stalls = time.perf_counter(), 0
        self._tell(self.source.note)
        for side in (self._input, self._output):
            if not side.is_device:
                continue
            if not side.lost and side.stalled(now):
                stalls += 1
                side.lost, side.attempt_at = True, now
                if side.never_settled:  # else it was unplugged, or its driver hangs
                    side.ask_for_more()
                self._emit(
                    Notice(
                        f'the {side.direction} device "{side.wanted}" has stopped: it was unplugged or its driver '
                        "hangs; it is opened again as soon as possible"
                    )
                )
            if not side.lost and side.has_lost_sound(now):
                side.ask_for_more()
                self._emit(
                    Notice(
                        f'the {side.direction} device "{side.wanted}" has lost sound: its driver is asked for '
                        f"{1000 * side.latency:.0f} ms of buffer"
                    )
                )
                self._reopen(side)
            if side.lost and now >= side.attempt_at:
                self._reopen(side)
                if side.lost:
                    self._search()
        return stalls

    def close(self) -> None:
        """Close files and devices."""
        self._close_devices()
        self.source.close()

    def _open_input(self, side: Side[InputPort]) -> Source:
        if side.is_device:
            device = side.opened(devices.open_input(side.wanted, self._sample_rate, self._chunk, side.latency))
            self._note = None  # of a microphone: it tells nothing before it was heard
            return MicrophoneSource(device.port, device.info.identity, self._chunk, self._sample_rate)
        path = asset("demo/mixture.flac") if side.wanted == DEMO else side.wanted
        source = FileSource(path, self._chunk, self._sample_rate, self._clock, tail=self._delay)
        self._tell(source.note)
        return source

    def _tell(self, note: str | None) -> None:
        """Tell what is new about what the source lacks."""
        if note is not None and note != self._note:
            self._emit(Notice(note))
        self._note = note

    def _open_output(self, side: Side[OutputPort]) -> Sink:
        if side.is_device:
            device = side.opened(devices.open_output(side.wanted, self._sample_rate, self._chunk, side.latency))
            identity = device.info.identity
            return LoudspeakerSink(device.port, identity, self._chunk, self._sample_rate, time.perf_counter)
        return NullSink(time.perf_counter)

    def _awaited_output(self) -> Sink:
        """The output, or none for as long as it is missing."""
        try:
            return self._open_output(self._output)
        except UserError as error:
            self._output.lost, self._output.attempt_at = True, time.perf_counter() + RETRY_S
            self._emit(Notice(f"{error}; it is used as soon as it appears"))
            return NullSink(time.perf_counter)

    def _search(self) -> None:
        """Search for a lost device where that interrupts nothing, or where the system has got another device."""
        before, self._plugged = self._plugged, devices.plugged()
        none_open = self._input.device is None and self._output.device is None
        if not self.stuck and (none_open or self._plugged - before):
            self.rescan()

    def _reopen_missing(self) -> None:
        for side in (self._output, self._input):
            if side.is_device and side.device is None:
                self._reopen(side)

    def _reopen(self, side: Side[InputPort] | Side[OutputPort]) -> None:
        self._close_device(side)
        try:
            if side is self._input:
                self.source = self._open_input(self._input)
            else:
                self.sink = self._open_output(self._output)
        except UserError as error:
            if not side.lost:
                self._emit(Notice(f"{error}; it is used as soon as it appears"))
            side.lost, side.attempt_at = True, time.perf_counter() + RETRY_S
            return
        if side.lost:
            side.lost = False
            self._emit(Notice(f'the {side.direction} device "{side.wanted}" is open again'))

    def _close_device(self, side: Side[InputPort] | Side[OutputPort]) -> None:
        if side.device is not None and not side.device.close():
            self.stuck = True
        side.device = None

    def _close_devices(self) -> None:
        for side in (self._input, self._output):
            self._close_device(side)


def need_devices(input: str, output: str, purpose: str) -> None:
    """Check that input and output, named as in the settings, are devices.

    Args:
        input, output: the names.
        purpose: what needs devices, for the message.

    Raises:
        UserError: one of them is a file, ``demo`` or ``none``.
    """
    for wanted, is_other, side, what in (
        (input, is_file(input), "input", "a microphone"),
        (output, output == NONE, "output", "a loudspeaker"),
    ):
        if is_other:
            raise UserError(f'{purpose} needs {what}: the {side} is "{wanted}", choose a device instead')
