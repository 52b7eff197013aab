"""No input file takes a gigabyte of memory, whatever its header promises and however long it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepprune.streaming.files import wav_header

ROOT = Path(__file__).resolve().parents[1]
#: address space of the reading program, with everything that Python and its libraries map
_LIMIT = 1_000_000_000
_READ = f"""
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, ({_LIMIT}, {_LIMIT}))
from sepprune.data.sound import read_at_rate, read_channels
from sepprune.errors import UserError
from sepprune.media import open_sound
from sepprune.streaming.files import MonoFile, read_mono
def streamed(path):
    with MonoFile(path, 16_000) as file:
        return sum(len(block) for block in file.blocks())
readers = {{
    "streamed": streamed,
    "whole": lambda path: len(read_mono(path, 16_000)[0]),
    "channels": lambda path: len(read_channels(path)[0]),
    "recording": lambda path: len(read_at_rate(path, 16_000)),
}}
try:
    print(readers[sys.argv[1]](Path(sys.argv[2])))
except UserError as error:
    print("refused:", error)
"""


def read(reader: str, path: Path) -> str:
    """What a program with little memory says after it has read a file."""
    done = subprocess.run(
        [sys.executable, "-c", _READ, reader, str(path)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def three_hours(tmp_path: Path) -> Path:
    """Silence at 16 kHz of nearly three hours, 690 MB that are not on the disk."""
    samples = (3 * 3600 - 1) * 16_000
    (tmp_path / "long.wav").write_bytes(wav_header(samples, 16_000))
    os.truncate(tmp_path / "long.wav", len(wav_header(0, 16_000)) + 4 * samples)
    return tmp_path / "long.wav"


def test_a_file_of_three_hours_is_streamed(three_hours: Path) -> None:
    assert read("streamed", three_hours).strip() == str((3 * 3600 - 1) * 16_000)


@pytest.mark.parametrize("reader", ["whole", "channels"])
def test_a_file_that_is_held_whole_is_bounded(three_hours: Path, reader: str) -> None:
    assert read(reader, three_hours).startswith("refused:")


@pytest.mark.parametrize("reader", ["streamed", "channels", "recording"])
def test_many_channels_at_a_high_rate_fit_or_are_refused(tmp_path: Path, reader: str) -> None:
    soundfile.write(tmp_path / "many.w64", np.zeros((10, 64)), 768_000)
    content = bytearray((tmp_path / "many.w64").read_bytes())
    place = content.index(b"data\xf3\xac")
    size = 4 * 64 * 768_000 * 2  # 4 s, 790 MB in memory
    content[place + 16 : place + 24] = size.to_bytes(8, "little")
    (tmp_path / "many.w64").write_bytes(content)
    os.truncate(tmp_path / "many.w64", size)
    said = read(reader, tmp_path / "many.w64")
    assert said.startswith("refused:") or int(said) > 60_000
