"""Sound files that can be played at any time while they grow, also after the process was killed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from .arrays import Samples

#: sample format of a finished file, by file format
SUBTYPES = {"wav": "FLOAT", "flac": "PCM_24"}


class SoundFiles:
    """One mono file for each signal, all of the same length.

    A WAV file whose header was not updated has no length. So each file is closed after every :meth:`write`, and opened
    again for the next one. A FLAC file cannot be opened for appending. So it is written beside such a WAV file, as
    ``NAME.flac.part``, and replaces it in :meth:`finish`: a killed process leaves the WAV files.

    Args:
        folder: an existing folder.
        names: of the signals; the files are ``NAME.wav`` or ``NAME.flac``.
        sample_rate: in hertz.
        format: ``wav`` (32-bit float) or ``flac`` (24-bit).

    Attributes:
        clipped: samples beyond full scale, which FLAC cannot hold.

    Raises:
        OSError, soundfile.SoundFileError: a file cannot be written. The methods raise them too.
    """

    def __init__(self, folder: Path, names: Sequence[str], sample_rate: int, format: str) -> None:
        self._safe = [folder / f"{name}.wav" for name in names]
        self._drafts = [folder / f"{name}.flac.part" for name in names if format == "flac"]
        self.clipped = 0
        for path in self._safe:
            soundfile.SoundFile(path, "w", sample_rate, 1, SUBTYPES["wav"]).close()
        self._encoders = [
            soundfile.SoundFile(path, "w", sample_rate, 1, SUBTYPES["flac"], format="FLAC") for path in self._drafts
        ]

    def write(self, signals: Samples) -> None:
        """Append ``(signals, samples)`` float32."""
        for path, samples in zip(self._safe, signals, strict=True):
            with soundfile.SoundFile(path, "r+") as file:
                file.seek(0, soundfile.SEEK_END)
                file.write(samples)
        if self._encoders:
            self.clipped += int(np.count_nonzero(np.abs(signals) > 1.0))
            for encoder, samples in zip(self._encoders, signals, strict=True):
                encoder.write(samples)

    def finish(self) -> None:
        """Complete the files, and keep only those of the wanted format."""
        for encoder, draft, safe in zip(self._encoders, self._drafts, self._safe, strict=False):
            encoder.close()
            draft.replace(safe.with_suffix(".flac"))
            safe.unlink()
        self._encoders = []
