"""Runs the live app for ten minutes between two virtual devices and watches the delay; writes ten_minutes.json.

    python docs/ten_minutes.py [SECONDS] [RATE]

The demo mixture goes into a virtual microphone (a null sink of a PulseAudio of its own; Linux, see tests/audio). The
app plays the mixture, delayed as much as its voices, to a virtual loudspeaker, through PortAudio at RATE (48000). What
the microphone heard and what the loudspeaker played is recorded beside it, with the time at which every piece arrived;
every half minute the delay between the two is found by correlation. A delay by the clock that grows or shrinks is
drift; a jump is sound that was lost or repeated.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.engine.devices import RATE_VARIABLE  # noqa: E402
from sepprune.resources import asset  # noqa: E402
from sepprune.streaming.files import read_mono  # noqa: E402
from sepprune.streaming.machine import load, machine  # noqa: E402
from tests.audio.virtual_audio import Listener, VirtualAudio  # noqa: E402

RATE = 16_000
#: seconds between two looks, compared each time, and by which the loudspeaker may be late
EVERY, WINDOW, REACH = 30.0, 2.0, 0.5
#: seconds between two looks at how much has been heard
LOOK = 0.004


def main(seconds: float = 600.0, device_rate: int = 48_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        audio = VirtualAudio(Path(name), device_rate)
        try:
            report, said, heard, arrivals = _run(audio, seconds)
        finally:
            audio.close()
    delays, clocks = _delays(said, heard, arrivals)
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


def _run(audio: VirtualAudio, seconds: float) -> tuple[dict, np.ndarray, np.ndarray, list[np.ndarray]]:
    """The app's report, what microphone and loudspeaker carried meanwhile, at :data:`RATE`, and when it arrived."""
    path = audio.folder / "report.json"
    environment = audio.environment | {
        "PYTHONPATH": str(ROOT),
        RATE_VARIABLE: str(audio.rate),
        "HOME": os.environ["HOME"],
    }  # where the converted levels are kept
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
    audio.play(np.resize(read_mono(asset("demo/mixture.flac"), RATE)[0], round((seconds + 30) * RATE)), RATE)
    time.sleep(5.0)  # the app is up
    listeners = [audio.listen(RATE, sink=sink) for sink in ("mic", "speaker")]
    arrivals = _watch(listeners, app)
    said, heard = (listener.stop()[0] for listener in listeners)
    return json.loads(path.read_text(encoding="utf-8")), said, heard, arrivals


def _watch(listeners: list[Listener], app: subprocess.Popen) -> list[np.ndarray]:
    """Until the app ends: of each listener, ``(seconds, samples heard by then)`` in rows."""
    rows: list[list[tuple[float, int]]] = [[] for _ in listeners]
    while app.poll() is None:
        for listener, row in zip(listeners, rows, strict=True):
            now, count = time.monotonic(), listener.count
            if count and (not row or count > row[-1][1]):
                row.append((now, count))
        time.sleep(LOOK)
    return [np.array(row) for row in rows]


def _alsa(folder: Path) -> str:
    """ALSA's own configuration and the virtual devices in one file, since ``HOME`` stays the user's."""
    file = folder / "alsa.conf"
    file.write_text("</usr/share/alsa/alsa.conf>\n" + (folder / ".asoundrc").read_text(), encoding="utf-8")
    return str(file)


def _delays(said: np.ndarray, heard: np.ndarray, arrivals: list[np.ndarray]) -> tuple[list[float], list[float]]:
    """Every half minute, in milliseconds: how long after the microphone the loudspeaker played the same sound, by the
    computer's clock, and how far the devices' own clocks had drifted apart since the beginning.

    The correlation counts samples; where the clocks of two devices differ, samples are not time. When a sample was
    heard is taken from the earliest arrivals around it, so that late ones do not count.
    """
    window, reach, found, apart = round(WINDOW * RATE), round(REACH * RATE), [], []
    for start in range(0, min(len(said), len(heard)) - window - 2 * reach, round(EVERY * RATE)):
        piece, around = said[start : start + window], heard[start : start + window + reach]
        size = 1 << (len(around) + window).bit_length()
        correlation = np.fft.irfft(np.fft.rfft(around, size) * np.fft.rfft(piece, size).conj(), size)
        later, middle = int(np.argmax(correlation[:reach])), start + window // 2
        spoken, played = (_start(rows, at) for rows, at in zip(arrivals, (middle, middle + later), strict=True))
        found.append(1000 * (later / RATE + played - spoken))
        apart.append(1000 * (played - spoken))
    return found, [value - apart[0] for value in apart]


def _start(arrivals: np.ndarray, sample: int) -> float:
    """When sample 0 would have been heard, going by the arrivals within :data:`WINDOW` seconds of this one."""
    seconds, counts = arrivals.T
    near = np.abs(counts - sample) < WINDOW * RATE
    return float((seconds[near] - counts[near] / RATE).min())


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((float, int), sys.argv[1:], strict=False)))
