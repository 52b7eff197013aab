"""The one way in for sound: opens any sound file, named pipe or standard input, and gives blocks of samples."""

from __future__ import annotations

import os
import select
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .checked import LONGEST_S, LONGEST_TEXT, MALFORMED, check_sound, shown
from .errors import UserError
from .extras import installed, require
from .files import reason

Samples = NDArray[np.float32]
#: what commands call standard input
STANDARD_INPUT = "-"
#: bytes that are taken from a pipe, and seconds that a program may take to open its other end
_LONGEST_PIPE, _PIPE_S = 512 * 2**20, 10.0
#: demultiplexers of FFmpeg that are used. Playlists are not among them: they would open other files and addresses.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,aac,matroska,webm,asf,amr,avi,flv,mpegts,mpeg,ac3,eac3"
#: channels of such a file: with more of them, PyAV has read outside of its memory
_MOST_CHANNELS = 8
#: how these containers begin, and where; they need PyAV
_BEGINNINGS = (
    (4, b"ftyp"),  # MP4, M4A, MOV, 3GP
    (4, b"moov"),
    (0, b"\xff\xf1"),  # AAC
    (0, b"\xff\xf9"),
    (0, b"\x1aE\xdf\xa3"),  # Matroska, WebM
    (0, b"0&\xb2u\x8ef\xcf\x11"),  # WMA
    (0, b"#!AMR"),
    (8, b"AVI "),
    (0, b"FLV\x01"),
)


class Sound(Protocol):
    """An open sound file.

    Attributes:
        name: for messages.
        rate: in hertz.
        channels: number of channels.
        frames: samples of a channel, ``None`` where only reading tells.
    """

    name: str
    rate: int
    channels: int
    frames: int | None

    def read(self, count: int) -> Samples:
        """The next ``(samples, channels)``, at most ``count`` samples; none at the end.

        Raises:
            UserError: the file is damaged.
        """

    def rewind(self) -> None:
        """Continue at the beginning."""

    def close(self) -> None:
        """Close the file."""


def open_sound(path: str | Path, whole: bool = True) -> Sound:
    """Open a sound file: WAV, FLAC, Ogg, MP3 and others by libsndfile, M4A, MP4, AAC and others by PyAV.

    A named pipe and standard input are copied to a temporary file without a name first, up to 512 MB.

    Args:
        path: the file; ``-`` is standard input.
        whole: refuse a file that is longer than 3 hours.

    Raises:
        UserError: there is no such file, it is no sound, or a package is missing that reads it.
    """
    name = str(path)[:LONGEST_TEXT]
    if str(path) == STANDARD_INPUT:
        return _opened(_copied(sys.stdin.fileno(), "standard input"), "standard input", whole)
    try:
        kind = os.stat(path).st_mode
    except (OSError, ValueError):
        kind = 0
    if stat.S_ISFIFO(kind):
        return _opened(_copied(_reading_end(path, name), name), name, whole)
    if stat.S_ISDIR(kind):
        raise UserError(f"{name} is a folder: give a sound file in it")
    if not stat.S_ISREG(kind):
        raise UserError(f"there is no sound file {shown(str(path))}: check the path")
    try:
        return _opened(open(path, "rb"), name, whole)  # noqa: SIM115 - closed with the sound
    except OSError as error:
        raise UserError(f"cannot read {name} ({reason(error)}): check the path") from error


def blocks(sound: Sound, count: int) -> Iterator[Samples]:
    """The rest of a sound in blocks of ``count`` samples, the last one shorter."""
    while len(block := sound.read(count)):
        yield block


def _opened(file: IO[bytes], name: str, whole: bool) -> Sound:
    """The sound in a file; the file is closed where there is none."""
    import soundfile

    sound: Sound
    try:
        try:
            sound = _Libsndfile(file, name)
        except (soundfile.LibsndfileError, RuntimeError, ValueError) as error:
            file.seek(0)
            beginning = file.read(16)
            if not (installed("av") or any(beginning[at:].startswith(mark) for at, mark in _BEGINNINGS)):
                raise _no_sound(name, error) from error
            require("av", "media", f"{name}, a container of sound or video,")
            file.seek(0)
            sound = _Container(file, name)
        check_sound(name, sound.rate, sound.channels, sound.frames or 0 if whole else 0)
    except BaseException:
        file.close()
        raise
    return sound


def _no_sound(name: str, error: Exception) -> UserError:
    found = getattr(error, "error_string", "") or getattr(error, "strerror", "") or str(error)
    found = " ".join(str(found).split())[:LONGEST_TEXT].rstrip(".")
    return UserError(f"{name} is no sound file that can be read ({found}): give WAV, FLAC, Ogg, MP3 or M4A")


class _Libsndfile:
    """A file that libsndfile reads."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        import soundfile

        self.name = name
        if os.name == "posix":  # a descriptor, since soundfile takes no name that is not UTF-8
            self._sound = soundfile.SoundFile(os.dup(file.fileno()))
            file.close()
        else:
            self._sound = soundfile.SoundFile(file)
        self.rate, self.channels = int(self._sound.samplerate), int(self._sound.channels)
        self.frames: int | None = int(self._sound.frames)

    def read(self, count: int) -> Samples:
        import soundfile

        try:
            samples: Samples = self._sound.read(count, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise UserError(f"{self.name} is damaged ({error}): give another file") from error
        return samples

    def rewind(self) -> None:
        import soundfile

        try:
            self._sound.seek(0)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise UserError(f"{self.name} is damaged ({error}): give another file") from error

    def close(self) -> None:
        self._sound.close()


class _Container:
    """The first sound track of a file that FFmpeg reads."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self.name = file, name
        self._start()
        self.rate, self.channels = int(self._stream.rate or 0), int(self._stream.channels or 0)
        if not 1 <= self.channels <= _MOST_CHANNELS:
            raise UserError(f"{name} has {self.channels} channels, expected 1 to {_MOST_CHANNELS}: convert it to WAV")
        self.frames: int | None = None  # what the header says may be wrong

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
            raise _no_sound(self.name, error) from error
        self._ready: list[Samples] = []
        self._given, self._ended = 0, False

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
                return [np.asarray(part.to_ndarray(), np.float32).reshape(-1, self.channels) for part in parts]
            except av.InvalidDataError:
                continue
            except (av.FFmpegError, OSError, *MALFORMED) as error:
                if isinstance(error, UserError):
                    raise
                raise UserError(f"{self.name} is damaged ({error}): give another file") from error

    def rewind(self) -> None:
        with suppress(Exception):
            self._container.close()
        self._file.seek(0)
        self._start()

    def close(self) -> None:
        self._container.close()
        self._file.close()


def _reading_end(path: str | Path, name: str) -> int:
    """The descriptor of a named pipe into which another program writes."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        raise UserError(f"cannot read {name} ({reason(error)}): check the path") from error
    if not select.select([descriptor], [], [], _PIPE_S)[0]:
        os.close(descriptor)
        raise UserError(f"no program writes into the pipe {name}: start it first, or give a sound file")
    os.set_blocking(descriptor, True)
    return descriptor


def _copied(descriptor: int, name: str) -> IO[bytes]:
    """What comes out of a pipe, as a file that can be read from any place."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the sound
    try:
        while part := os.read(descriptor, 2**20):
            file.write(part)
            if file.tell() > _LONGEST_PIPE:
                raise UserError(f"{name} gives over {_LONGEST_PIPE >> 20} MB: store the sound in a file first")
        file.seek(0)
    except OSError as error:
        file.close()
        raise UserError(f"cannot copy {name} to a temporary file ({reason(error)}): give a sound file") from error
    except UserError:
        file.close()
        raise
    finally:
        if name != "standard input":
            os.close(descriptor)
    return file
