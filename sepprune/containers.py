"""Sound tracks of containers, as phones and video calls store them, read by PyAV (FFmpeg)."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from .checked import LONGEST_S, LONGEST_TEXT, MALFORMED
from .errors import UserError

Samples = NDArray[np.float32]
#: FFmpeg's units of time in a second
_MICRO = 1_000_000
#: demultiplexers of FFmpeg that are used. Playlists are not among them: they would open other files and addresses.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,aac,matroska,webm,asf,amr,avi,flv,mpegts,mpeg,ac3,eac3"
#: channels of such a file: with more of them, PyAV has read outside of its memory
_MOST_CHANNELS = 8


def no_sound(name: str, error: Exception) -> UserError:
    """What to say about a file in which no library finds sound."""
    found = getattr(error, "error_string", "") or getattr(error, "strerror", "") or str(error)
    found = " ".join(str(found).split())[:LONGEST_TEXT].rstrip(".")
    return UserError(f"{name} is no sound file that can be read ({found}): give WAV, FLAC, Ogg, MP3 or M4A")


class Container:
    """The first sound track of a file that FFmpeg reads: a :class:`~sepprune.media.Sound`.

    Args:
        file: open for reading; closed with this object.
        name: for messages.

    Raises:
        UserError: there is no sound track, or it is damaged.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self.name = file, name
        self._start()
        self.rate, self.channels = int(self._stream.rate or 0), int(self._stream.channels or 0)
        if not 1 <= self.channels <= _MOST_CHANNELS:
            raise UserError(f"{name} has {self.channels} channels, expected 1 to {_MOST_CHANNELS}: convert it to WAV")
        self.frames: int | None = None  # what the header says may be wrong
        self.stated_frames = round((self._container.duration or 0) / _MICRO * self.rate)

    @property
    def position(self) -> int:
        return self._given

    def _start(self) -> None:
        import av

        options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
        try:
            self._container: Any = av.open(self._file, "r", container_options=options)
            tracks = self._container.streams.audio
            if not tracks:
                raise UserError(f"{self.name} has no sound track: give a file with sound")
            self._stream: Any = tracks[0]
            self._frames = self._container.decode(self._stream)
            self._resampler = av.AudioResampler("flt", self._stream.layout, self._stream.rate)
        except (av.FFmpegError, OSError, *MALFORMED) as error:  # a track without a decoder lacks attributes
            if isinstance(error, UserError):
                raise
            raise no_sound(self.name, error) from error
        self._ready: list[Samples] = []
        self._given, self._ended, self._wanted = 0, False, 0

    def read(self, count: int) -> Samples:
        while sum(map(len, self._ready)) < count and not self._ended:
            self._ready += self._decoded()
        samples = np.concatenate([np.zeros((0, self.channels), np.float32), *self._ready])
        self._ready = [samples[count:]]
        self._given += len(samples[:count])
        if self._ended and len(samples) <= count:
            self.frames = self._given
        if self._given > LONGEST_S * self.rate:
            raise UserError(f"{self.name} lasts over {LONGEST_S // 3600} hours: cut it into parts")
        return samples[:count]

    def _decoded(self) -> list[Samples]:
        """The samples of the next packet that can be decoded; damaged ones are left out, as players do."""
        import av

        while True:
            try:
                frame = next(self._frames, None)
                self._ended = frame is None
                parts = [part for part in self._resampler.resample(frame) if part.samples]
                if any(part.layout.nb_channels != self.channels for part in parts):
                    raise UserError(f"{self.name} is damaged (its number of channels changes): give another file")
                samples = [np.asarray(part.to_ndarray(), np.float32).reshape(-1, self.channels) for part in parts]
                return samples if frame is None or not self._wanted else self._after_seek(samples, frame.time)
            except av.InvalidDataError:
                continue
            except (av.FFmpegError, OSError, *MALFORMED) as error:
                if isinstance(error, UserError):
                    raise
                raise UserError(f"{self.name} is damaged ({error}): give another file") from error

    def _after_seek(self, parts: list[Samples], time: float | None) -> list[Samples]:
        """Drop what lies between the place where a container can be entered and the wanted one."""
        before = self._wanted - round(time * self.rate) if time is not None else 0
        samples = np.concatenate([np.zeros((0, self.channels), np.float32), *parts])
        if before < len(samples):
            self._wanted = 0
        return [samples[max(0, before) :]]

    def seek(self, position: int) -> None:
        import av

        try:
            if position:
                self._container.seek(round(position / self.rate * _MICRO))
                self._frames = self._container.decode(self._stream)
                self._resampler = av.AudioResampler("flt", self._stream.layout, self._stream.rate)
                self._ready, self._given, self._ended, self._wanted = [], position, False, position
                return
        except (av.FFmpegError, OSError, *MALFORMED):
            pass  # some containers can only be read from the start
        with suppress(Exception):
            self._container.close()
        self._file.seek(0)
        self._start()

    def close(self) -> None:
        self._container.close()
        self._file.close()
