"""The one way in for sound: opens any sound file, named pipe or standard input, and gives blocks of samples."""

from __future__ import annotations

import os
import select
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from .checked import LONGEST_TEXT, check_sound, shown
from .containers import Container, Samples, no_sound
from .errors import UserError
from .extras import installed, require
from .files import reason

#: what commands call standard input
STANDARD_INPUT = "-"
#: bytes that are taken from a pipe, and seconds that a program may take to open its other end
_LONGEST_PIPE, _PIPE_S = 512 * 2**20, 10.0
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
        stated_frames: the same as the header states it, which may be wrong; 0 where it does not.
        position: of the next sample that is read, in samples.
    """

    name: str
    rate: int
    channels: int
    frames: int | None
    stated_frames: int

    @property
    def position(self) -> int: ...

    def read(self, count: int) -> Samples:
        """The next ``(samples, channels)``, at most ``count`` samples; none at the end.

        Raises:
            UserError: the file is damaged.
        """

    def seek(self, position: int) -> None:
        """Continue at this sample; in a container it may be some samples beside it.

        Raises:
            UserError: the file is damaged.
        """

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
    if not os.path.getsize(path):
        raise UserError(f"{name} is empty: give a recording that has sound")
    try:
        return _opened(open(path, "rb"), name, whole)  # noqa: SIM115 - closed with the sound
    except OSError as error:
        raise UserError(f"cannot read {name} ({reason(error)}): check the path") from error


def lacking(name: str, rate: int, wanted: int, channels: str | None) -> str | None:
    """What a sound lacks, for the user; ``None`` where it lacks nothing.

    >>> lacking("call.wav", 8000, 16_000, None)
    'call.wav has 8000 Hz, so it has nothing above 4 kHz'

    Args:
        name: of the file or device.
        rate: its sample rate in hertz.
        wanted: that of the separator.
        channels: the same about its channels, see :meth:`~sepprune.downmix.Downmix.note`.
    """
    narrow = None if rate >= wanted else f"{name} has {rate} Hz, so it has nothing above {rate / 2000:.3g} kHz"
    return "; ".join(filter(None, (narrow, channels))) or None


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
                raise no_sound(name, error) from error
            require("av", "media", f"{name}, a container of sound or video,")
            file.seek(0)
            sound = Container(file, name)
        check_sound(name, sound.rate, sound.channels, sound.frames or 0 if whole else 0)
    except BaseException:
        file.close()
        raise
    return sound


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
        self.stated_frames = int(self._sound.frames)
        self.frames: int | None = self.stated_frames
        self.position = 0

    def read(self, count: int) -> Samples:
        import soundfile

        try:
            samples: Samples = self._sound.read(count, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise UserError(f"{self.name} is damaged ({error}): give another file") from error
        self.position += len(samples)
        return samples

    def seek(self, position: int) -> None:
        import soundfile

        try:
            self.position = int(self._sound.seek(min(position, self.stated_frames)))
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise UserError(f"{self.name} is damaged ({error}): give another file") from error

    def close(self) -> None:
        self._sound.close()


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
