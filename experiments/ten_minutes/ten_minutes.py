"""Runs the live app between two virtual devices for ten minutes, measures the delay, and writes ten_minutes.json.

    python -m experiments.ten_minutes.ten_minutes [SECONDS] [RATE]

The demo mixture is played into a virtual microphone: a null sink of a private PulseAudio server (Linux, see
tests/audio). The app plays the mixture, delayed as much as its voices, to a virtual loudspeaker through PortAudio at
RATE (48000). The script records the microphone and the loudspeaker, with the arrival time of every block, and finds the
delay between the two by correlation every half minute. A delay that grows or shrinks by the computer's clock is drift;
a jump is lost or repeated sound.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.engine.device_settings import RATE_VARIABLE
from sepprune.streaming.machine import load, machine
from tests.audio.virtual_audio import Listener, VirtualAudio

from ..common import ROOT, read_json, run_script
from ..live import demo

Samples = NDArray[np.float32]
#: rows of ``(seconds, samples received by then)``
Arrivals = NDArray[np.float64]

RATE = 16_000
#: seconds between two measurements of the delay
EVERY = 30.0
#: seconds of sound that one measurement compares
WINDOW = 2.0
#: largest delay in seconds that is searched
REACH = 0.5
#: seconds between two readings of the number of received samples
POLL = 0.004


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=600.0, help="length of the run (default: 600)")
    parser.add_argument("rate", nargs="?", type=int, default=48_000, help="of the devices, in Hz (default: 48000)")
    args = parser.parse_args()
    run(args.seconds, args.rate)


def run(seconds: float, device_rate: int) -> None:
    """Run the app, measure, and write the report."""
    with tempfile.TemporaryDirectory() as name:
        audio = VirtualAudio(Path(name), device_rate)
        try:
            report, recorded, played, arrivals = between_devices(audio, seconds)
        finally:
            audio.close()
    delays, clocks = delays_of(recorded, played, arrivals)
    result = {
        "machine": machine() | {"load": load()},
        "seconds": seconds,
        "device_rate": device_rate,
        "delay_ms": delays,
        "largest_change_ms": max(delays) - min(delays),
        "devices_apart_ms": clocks,
        **{
            key: report[key]
            for key in (
                "input_overflows",
                "output_underflows",
                "ring_underruns",
                "ring_overruns",
                "stalls",
                "drift_samples",
                "cushion_chunks",
                "deadline_misses",
                "chunks",
                "levels",
                "latest_chunks",
                "latency",
                "engine_cpu_seconds",
                "backend",
                "precision",
            )
        },
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def between_devices(
    audio: VirtualAudio, seconds: float, **variables: str
) -> tuple[dict[str, Any], Samples, Samples, list[Arrivals]]:
    """Run the app from the virtual microphone to the virtual loudspeaker.

    Args:
        audio: the devices.
        seconds: of sound.
        variables: of the app's environment.

    Returns:
        Its report, the sound of microphone and loudspeaker at :data:`RATE`, and the arrivals of both.
    """
    path = audio.folder / "report.json"
    environment = audio.environment | {
        "PYTHONPATH": str(ROOT),
        RATE_VARIABLE: str(audio.rate),
        **variables,
        "HOME": os.environ["HOME"],  # the cache of converted levels lies there
    }
    environment |= {"ALSA_CONFIG_PATH": _alsa(audio.folder)}
    app = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "app",
            "--headless",
            "--input",
            "ci_mic",
            "--output",
            "ci_speaker",
            "--routing",
            "mixture",
            "--seconds",
            str(seconds),
            "--report",
            str(path),
        ],
        env=environment,
    )
    audio.play(demo("mixture", RATE, seconds + 30), RATE)
    time.sleep(5.0)  # the app needs less than this to start
    listeners = [audio.listen(RATE, sink=sink) for sink in ("mic", "speaker")]
    arrivals = _watch(listeners, app)
    recorded, played = (listener.stop()[0] for listener in listeners)
    return read_json(path), recorded, played, arrivals


def _watch(listeners: list[Listener], app: subprocess.Popen[bytes]) -> list[Arrivals]:
    """Arrivals of each listener, until the app ends."""
    rows: list[list[tuple[float, int]]] = [[] for _ in listeners]
    while app.poll() is None:
        for listener, row in zip(listeners, rows, strict=True):
            now, count = time.monotonic(), listener.count
            if count and (not row or count > row[-1][1]):
                row.append((now, count))
        time.sleep(POLL)
    return [np.array(row) for row in rows]


def _alsa(folder: Path) -> str:
    """Write ALSA's system configuration and the virtual devices into one file, since ``HOME`` stays the user's."""
    file = folder / "alsa.conf"
    file.write_text(
        "</usr/share/alsa/alsa.conf>\n" + (folder / ".asoundrc").read_text(encoding="utf-8"), encoding="utf-8"
    )
    return str(file)


def delays_of(
    recorded: Samples, played: Samples, arrivals: list[Arrivals], every: float = EVERY
) -> tuple[list[float], list[float]]:
    """Delay from microphone to loudspeaker, and drift of the two devices' clocks, in milliseconds every so often.

    The correlation counts samples, but samples are not time where two device clocks differ. So the time of a sample
    comes from the earliest arrivals around it, by the computer's clock; late arrivals do not count.
    """
    window, reach = round(WINDOW * RATE), round(REACH * RATE)
    found: list[float] = []
    apart: list[float] = []
    for start in range(0, min(len(recorded), len(played)) - window - 2 * reach, round(every * RATE)):
        piece, around = recorded[start : start + window], played[start : start + window + reach]
        size = 1 << (len(around) + window).bit_length()
        correlation = np.fft.irfft(np.fft.rfft(around, size) * np.fft.rfft(piece, size).conj(), size)
        later, middle = int(np.argmax(correlation[:reach])), start + window // 2
        first, second = (_start(rows, at) for rows, at in zip(arrivals, (middle, middle + later), strict=True))
        found.append(1000 * (later / RATE + second - first))
        apart.append(1000 * (second - first))
    return found, [value - apart[0] for value in apart]


def _start(arrivals: Arrivals, sample: int) -> float:
    """Time of sample 0 in seconds, extrapolated from the arrivals within :data:`WINDOW` seconds of ``sample``."""
    seconds, counts = arrivals.T
    near = np.abs(counts - sample) < WINDOW * RATE
    return float((seconds[near] - counts[near] / RATE).min())


if __name__ == "__main__":
    run_script(main)
