"""``sepprune-live --round-trip`` over real PortAudio, with a virtual loudspeaker that is connected to a microphone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .virtual_audio import VirtualAudio

ROOT = Path(__file__).resolve().parents[2]

#: a microphone that gets the sound of the loudspeaker, as through a cable
_CABLE = 'pcm.ci_cable { type pulse device "speaker.monitor" hint { show on description "CI cable" } }\n'


@pytest.fixture
def audio(tmp_path: Path) -> Iterator[VirtualAudio]:
    server = VirtualAudio(tmp_path, 48_000, _CABLE)
    yield server
    server.close()


def round_trip(audio: VirtualAudio, ladder: Path, microphone: str) -> tuple[subprocess.CompletedProcess[str], dict]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "app",
            "--round-trip",
            "--input",
            microphone,
            "--output",
            "ci_speaker",
            "--ladder",
            str(ladder),
            "--json",
            "-",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env=audio.environment | {"PYTHONPATH": str(ROOT)},
    )
    return done, json.loads(done.stdout)


def test_the_round_trip_through_a_cable_is_measured(audio: VirtualAudio, ladder: Path) -> None:
    done, report = round_trip(audio, ladder, "ci_cable")
    assert done.returncode == 0, done.stderr
    # one chunk in the input and four at the output; no null sink adds as much as a second here
    assert 5 * report["chunk_ms"] < report["round_trip_ms"] < 1000.0
    assert report["input_to_output_ms"] == pytest.approx(report["round_trip_ms"] + report["separator_delay_ms"])
    assert report["spread_ms"] < 100.0


def test_where_nothing_comes_back_a_sentence_says_so(audio: VirtualAudio, ladder: Path) -> None:
    done, report = round_trip(audio, ladder, "ci_mic")
    assert (done.returncode, report["round_trip_ms"]) == (2, None)
    assert "nothing of the chirps came back" in done.stderr and "Traceback" not in done.stderr
