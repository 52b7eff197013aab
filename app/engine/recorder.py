"""Records mixture and voices in a thread of its own, so that a killed process leaves files that can be played."""

from __future__ import annotations

import json
import math
import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile

from sepprune.files import reason, write_whole

from .arrays import Samples
from .events import Event, Notice, Recording, RecordingFailed
from .protocol import RECORDING_FORMATS
from .sound_files import SoundFiles
from .statistics import LatencyStatistics
from .telemetry import FRAME, SIGNALS

#: seconds between two writes, each of which completes the files: the most sound that a crash can lose
FLUSH_S = 0.5

#: chunks that wait for a slow disk; further ones are dropped, counted and replaced by silence
QUEUE_CHUNKS = 2048


class _Chunk(NamedTuple):
    """A chunk to record: samples dropped before it, its signals ``(3, samples)``, and its row of :data:`FRAME`."""

    gap: int
    signals: Samples
    row: tuple[float, int, float, float, float, float, int]


class Recorder:
    """One recording: ``mixture``, ``voice1``, ``voice2`` as WAV or FLAC files (aligned), and ``session.json``.

    Args:
        folder: where a new folder is made, named by date and time.
        sample_rate: in hertz.
        facts: content of ``session.json`` besides levels and latency.
        emit: takes ``Recording``, ``RecordingFailed`` and ``Notice``; called from the recording's thread.
        format: one of :data:`~app.engine.protocol.RECORDING_FORMATS`; see :class:`~app.engine.sound_files.SoundFiles`.

    Attributes:
        folder: of this recording; ``None`` until it is made.
    """

    def __init__(
        self,
        folder: str | Path,
        sample_rate: int,
        facts: Mapping[str, object],
        emit: Callable[[Event], None],
        format: str = RECORDING_FORMATS[0],
    ) -> None:
        self._parent, self._sample_rate, self._facts, self._emit = Path(folder), sample_rate, dict(facts), emit
        self._format = format
        self.folder: Path | None = None
        self._queue: queue.Queue[_Chunk] = queue.Queue(QUEUE_CHUNKS)
        self._gap = 0  # samples dropped since the last chunk that found room
        self._lost = self._samples = 0
        self._levels: list[dict[str, float]] = []
        self._statistics = LatencyStatistics()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    @property
    def active(self) -> bool:
        """Whether it still takes chunks."""
        return self._thread.is_alive() and not self._stopping

    def put(self, signals: Samples, level: int, t_start: float, t_done: float, flags: int) -> None:
        """Record a chunk ``(3, samples)``; never waits."""
        row = (math.nan, level, math.nan, t_start, t_done, math.nan, flags)
        try:
            self._queue.put_nowait(_Chunk(self._gap, signals, row))
            self._gap = 0
        except queue.Full:
            self._gap += signals.shape[1]

    def stop(self) -> None:
        """Finish in the background; answered by ``Recording(None)``."""
        self._stopping = True

    def close(self, timeout: float) -> None:
        """Finish, and wait for it for ``timeout`` seconds at most."""
        self.stop()
        self._thread.join(timeout)

    def _run(self) -> None:
        folder = self._parent
        try:
            folder = _new_folder(self._parent)
            files = self._create(folder)
            self.folder = folder
            self._emit(Recording(str(folder)))
            while not self._stopping or not self._queue.empty():
                if chunks := self._collect():
                    self._write(files, folder, chunks)
            files.finish()
            clipped = files.full_scale.note(f"the recording in {folder}", "choose WAV to keep such samples")
            if clipped is not None:
                self._emit(Notice(clipped))
            if self._lost:
                self._emit(
                    Notice(
                        f"the disk was too slow: {self._lost / self._sample_rate:.2f} s of the recording in "
                        f"{folder} are silence"
                    )
                )
        except (OSError, soundfile.SoundFileError) as error:
            self._emit(RecordingFailed(self._problem(folder, error)))
        self._stopping = True
        self._emit(Recording(None))

    def _problem(self, folder: Path, error: Exception) -> str:
        """Why the recording has ended, and what is left of it."""
        if not self._samples:
            if folder != self._parent:  # this recording has made it, and nothing was recorded
                shutil.rmtree(folder, ignore_errors=True)
            return f"cannot record into {self._parent}: {reason(error)}; choose another folder"
        kept = "" if self._format == "wav" else " as WAV files"  # a FLAC file is complete only at the end
        return (
            f"{reason(error)}: the recording has ended after {self._samples / self._sample_rate:.1f} s, which are in "
            f"{folder}{kept}; make room, or choose another folder"
        )

    def _collect(self) -> list[_Chunk]:
        """The chunks of the next :data:`FLUSH_S`; fewer when the recording ends."""
        chunks: list[_Chunk] = []
        end = time.monotonic() + FLUSH_S
        while (left := end - time.monotonic()) > 0:
            try:
                chunks.append(self._queue.get(timeout=min(left, 0.05)))
            except queue.Empty:
                if self._stopping:
                    break
        return chunks

    def _create(self, folder: Path) -> SoundFiles:
        self._describe(folder)
        try:
            return SoundFiles(folder, SIGNALS, self._sample_rate, self._format)
        except (OSError, soundfile.SoundFileError):
            (folder / "session.json").unlink()
            raise

    def _write(self, files: SoundFiles, folder: Path, chunks: Sequence[_Chunk]) -> None:
        pieces: list[Samples] = []
        for gap, signals, _ in chunks:
            pieces += [np.zeros((len(SIGNALS), gap), np.float32), signals]
        files.write(np.concatenate(pieces, axis=1))
        for gap, signals, row in chunks:
            level = row[1]
            self._lost += gap
            self._samples += gap
            if not self._levels or self._levels[-1]["level"] != level:
                self._levels.append({"second": self._samples / self._sample_rate, "level": level})
            self._samples += signals.shape[1]
        self._statistics.add(np.array([chunk.row for chunk in chunks], FRAME))
        self._describe(folder)

    def _describe(self, folder: Path) -> None:
        """Write ``session.json``, whole or not at all."""
        facts = {
            **self._facts,
            "seconds": self._samples / self._sample_rate,
            "lost_seconds": self._lost / self._sample_rate,
            "levels_over_time": self._levels,
            "levels": self._statistics.level_rows(),
        }
        write_whole(folder / "session.json", (json.dumps(facts, indent=2) + "\n").encode(), durable=False)


def _new_folder(parent: Path) -> Path:
    name = time.strftime("sepprune-%Y%m%d-%H%M%S")
    parent.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            continue
    raise FileExistsError(f"{parent / name} and 998 numbered folders exist already")
