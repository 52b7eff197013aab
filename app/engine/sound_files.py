"""Sound files that can be played at any time while they grow, also after the process was killed or the disk is full."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile

from sepprune.files import write_whole
from sepprune.full_scale import FullScale
from sepprune.streaming.files import wav_header

from .arrays import Samples

#: sample format of a finished file, by file format
SUBTYPES = {"wav": "FLOAT", "flac": "PCM_24"}

#: bytes of a WAV file's header and of a sample
_HEADER, _BYTES = len(wav_header(0, 16_000)), 4


class SoundFiles:
    """One mono file for each signal, all of the same length.

    A WAV file has its length in its header, which is updated after every :meth:`write`. A FLAC file cannot be played
    before it is complete. So it is written beside such a WAV file, as ``NAME.flac.part``, and replaces it in
    :meth:`finish`: a killed process leaves the WAV files. After an error, too, the WAV files stay; they have the same
    length and hold everything before the write that failed.

    Args:
        folder: an existing folder.
        names: of the signals; the files are ``NAME.wav`` or ``NAME.flac``.
        sample_rate: in hertz.
        format: ``wav`` (32-bit float) or ``flac`` (24-bit).

    Attributes:
        full_scale: what FLAC, which cannot hold samples beyond full scale, made it limit.
        samples: length of the files.

    Raises:
        OSError, soundfile.SoundFileError: a file cannot be written. The methods raise them too.
    """

    def __init__(self, folder: Path, names: Sequence[str], sample_rate: int, format: str) -> None:
        self.samples, self.full_scale = 0, FullScale()
        self._wavs: list[_Wav] = []
        self._flacs: list[_Flac] = []
        try:
            for name in names:
                self._wavs.append(_Wav(folder / f"{name}.wav", sample_rate))
            for name in names if format == "flac" else ():
                self._flacs.append(_Flac(folder / f"{name}.flac.part", sample_rate))
        except (OSError, soundfile.SoundFileError):
            self._drop_flacs()
            for name in names:
                (folder / f"{name}.wav").unlink(missing_ok=True)
            raise

    def write(self, signals: Samples) -> None:
        """Append ``(signals, samples)`` float32."""
        try:
            for wav, samples in zip(self._wavs, signals, strict=True):
                wav.append(samples)
            for flac, samples in zip(self._flacs, signals, strict=False):
                flac.append(self.full_scale(samples))
        except (OSError, soundfile.SoundFileError):
            self._drop_flacs()  # first: they take the space that the headers may need
            for wav in self._wavs:
                with suppress(OSError):
                    wav.cut(self.samples)
            raise
        self.samples += signals.shape[1]

    def finish(self) -> None:
        """Complete the files, and keep only those of the wanted format."""
        try:
            for flac in self._flacs:
                flac.close()
        except (OSError, soundfile.SoundFileError):
            self._drop_flacs()
            raise
        for flac, wav in zip(self._flacs, self._wavs, strict=False):
            flac.path.replace(wav.path.with_suffix(".flac"))
            wav.path.unlink()
        self._flacs = []

    def _drop_flacs(self) -> None:
        """Remove unfinished FLAC files."""
        for flac in self._flacs:
            with suppress(OSError, soundfile.SoundFileError):
                flac.close()
            flac.path.unlink(missing_ok=True)
        self._flacs = []


class _Wav:
    """A WAV file of one channel of 32-bit floats. Its header is changed after its data, so it can always be played."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        self.path, self._sample_rate, self._samples = path, sample_rate, 0
        write_whole(path, wav_header(self._samples, self._sample_rate), durable=False)  # a kill leaves no empty file

    def append(self, samples: Samples) -> None:
        data = np.ascontiguousarray(samples, "<f4").tobytes()
        with open(self.path, "r+b", buffering=0) as file:
            _write(file.fileno(), data, _HEADER + _BYTES * self._samples)
            self._samples += len(samples)
            _write(file.fileno(), wav_header(self._samples, self._sample_rate), 0)

    def cut(self, samples: int) -> None:
        """Keep the first ``samples`` samples."""
        self._samples = samples
        with open(self.path, "r+b", buffering=0) as file:
            _write(file.fileno(), wav_header(self._samples, self._sample_rate), 0)
            file.truncate(_HEADER + _BYTES * samples)


class _Flac:
    """A FLAC file of one channel. libsndfile reports no full disk, so the file is written for it here."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        self.path = path
        self._output = _Output(path)
        self._encoder = soundfile.SoundFile(self._output, "w", sample_rate, 1, SUBTYPES["flac"], format="FLAC")

    def append(self, samples: Samples) -> None:
        self._encoder.write(samples)
        self._output.check()

    def close(self) -> None:
        """Write what is left; the file is complete."""
        if not self._encoder.closed:
            self._encoder.close()
            self._output.close()
        self._output.check()


class _Output:
    """A file for libsndfile that keeps the first error. An error must not reach libsndfile, which would print it."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115 - closed by close()
        self._error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self._error is None:
            try:
                _write(self._file.fileno(), data, self._file.tell())  # this also moves the position
            except OSError as error:
                self._error = error
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size) or b""

    def close(self) -> None:
        self._file.close()

    def check(self) -> None:
        """Raise the error of an earlier write."""
        if self._error is not None:
            raise self._error


def _write(descriptor: int, data: bytes, offset: int) -> None:
    """Write all of ``data``; the system may take it in parts."""
    view = memoryview(data)
    os.lseek(descriptor, offset, os.SEEK_SET)
    while view:
        view = view[os.write(descriptor, view) :]
