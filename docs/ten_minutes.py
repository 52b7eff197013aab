"""Runs the live app for ten minutes between two virtual devices and watches the delay; writes ten_minutes.json.

    python docs/ten_minutes.py [SECONDS] [RATE]

The demo mixture goes into a virtual microphone (a null sink of a PulseAudio of its own; Linux, see tests/audio). The
app plays the mixture, delayed as much as its voices, to a virtual loudspeaker, through PortAudio at RATE (48000). What
the microphone heard and what the loudspeaker played is recorded beside it; every half minute the delay between the two
is found by correlation. A delay that grows or shrinks is drift; a jump is sound that was lost or repeated.
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
from tests.audio.virtual_audio import VirtualAudio  # noqa: E402

RATE = 16_000
#: seconds between two looks, compared each time, and by which the loudspeaker may be late
EVERY, WINDOW, REACH = 30.0, 2.0, 0.5


def main(seconds: float = 600.0, device_rate: int = 48_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        audio = VirtualAudio(Path(name), device_rate)
        try:
            report, said, heard = _run(audio, seconds)
        finally:
            audio.close()
    delays = _delays(said, heard)
    result = {"machine": machine() | {"load": load()}, "seconds": seconds, "device_rate": device_rate,
              "delay_ms": delays, "largest_change_ms": max(delays) - min(delays),
              **{key: report[key] for key in ("input_overflows", "output_underflows", "ring_underruns", "ring_overruns",
                                              "stalls", "drift_samples", "cushion_chunks", "deadline_misses", "chunks",
                                              "levels", "latency", "engine_cpu_seconds", "backend", "precision")}}
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


def _run(audio: VirtualAudio, seconds: float) -> tuple[dict, np.ndarray, np.ndarray]:
    """The app's report, and what microphone and loudspeaker carried meanwhile, at :data:`RATE`."""
    path = audio.folder / "report.json"
    environment = audio.environment | {"PYTHONPATH": str(ROOT), RATE_VARIABLE: str(audio.rate),
                                       "HOME": os.environ["HOME"]}  # where the converted levels are kept
    environment |= {"ALSA_CONFIG_PATH": _alsa(audio.folder)}
    app = subprocess.Popen([sys.executable, "-m", "app", "--headless", "--input", "ci_mic", "--output", "ci_speaker",
                            "--routing", "mixture", "--seconds", str(seconds), "--report", str(path)],
                           env=environment)
    audio.play(np.resize(read_mono(asset("demo/mixture.flac"), RATE)[0], round((seconds + 30) * RATE)), RATE)
    time.sleep(5.0)  # the app is up
    listeners = [audio.listen(RATE, sink=sink) for sink in ("mic", "speaker")]
    app.wait()
    said, heard = (listener.stop()[0] for listener in listeners)
    return json.loads(path.read_text(encoding="utf-8")), said, heard


def _alsa(folder: Path) -> str:
    """ALSA's own configuration and the virtual devices in one file, since ``HOME`` stays the user's."""
    file = folder / "alsa.conf"
    file.write_text("</usr/share/alsa/alsa.conf>\n" + (folder / ".asoundrc").read_text(), encoding="utf-8")
    return str(file)


def _delays(said: np.ndarray, heard: np.ndarray) -> list[float]:
    """Milliseconds by which the loudspeaker is later than the microphone, every half minute.

    Counted in samples of two recordings: where the clocks of the two devices differ it changes by that, though nobody
    waits longer; whether sound piles up is what ``ring_overruns`` and ``ring_underruns`` tell.
    """
    window, reach, found = round(WINDOW * RATE), round(REACH * RATE), []
    for start in range(0, min(len(said), len(heard)) - window - 2 * reach, round(EVERY * RATE)):
        piece, around = said[start:start + window], heard[start:start + window + reach]
        size = 1 << (len(around) + window).bit_length()
        correlation = np.fft.irfft(np.fft.rfft(around, size) * np.fft.rfft(piece, size).conj(), size)
        found.append(1000 * float(np.argmax(correlation[:reach])) / RATE)
    return found


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((float, int), sys.argv[1:], strict=False)))
