"""Makes the demo mixture and its two voices: ``python assets/make_demo.py`` writes ``assets/demo/*.flac``.

Two synthetic voices (flite's slt and rms) say texts written for this project, first in turns, then at once. Each
voice stands at its own place in a small room, so a source file holds the direct sound and its reflections of the
first 40 ms, which is what a separator is asked for. The mixture is the sum of both and a quiet room tone.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000
SECONDS = 30
PEAK_DB = -3.0
ROOM_TONE_DB = -32.0  # against the two voices together
FOLDER = Path(__file__).parent / "demo"

#: flite voice, seed of its place in the room, and what is said from which second on
VOICES = {
    "voice1": (
        "slt",
        11,
        [
            (0.4, "Good evening. I am reading the weather for the coast."),
            (4.2, "A light wind comes from the west, and the harbour stays calm until midnight."),
            (9.1, "Tomorrow begins with mist over the islands. By noon the sun will find its way through."),
            (15.0, "Fishing boats should wait for the second tide, because the first one turns early."),
            (21.8, "And if you walk along the beach, take a warm coat with you."),
            (26.4, "That was the weather. Sleep well."),
        ],
    ),
    "voice2": (
        "rms",
        23,
        [
            (5.2, "First we peel four potatoes and cut them into small pieces."),
            (9.9, "Fry an onion in butter, slowly, until it looks like gold."),
            (14.6, "Now add water, salt, and a handful of green beans from the garden."),
            (19.4, "Let the soup simmer for twenty minutes."),
            (22.6, "Taste it, and add a little lemon at the very end."),
        ],
    ),
}


def say(voice: str, text: str) -> np.ndarray:
    """Speech of a flite voice: float64 ``(samples,)`` at 16 kHz, at an RMS of one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
        speech, rate = soundfile.read(path)
    if rate != RATE:
        raise SystemExit(f"flite gave {rate} Hz for the voice {voice}: choose one of {RATE} Hz")
    return speech / np.sqrt(np.mean(speech**2))


def early_reflections(seed: int, count: int = 12, last_ms: float = 40.0) -> np.ndarray:
    """Impulse response of one place in a small room: the direct sound and a few fading echoes."""
    rng = np.random.default_rng(seed)
    response = np.zeros(round(RATE * last_ms / 1000) + 1)
    response[0] = 1.0
    times = np.sort(rng.uniform(3.0, last_ms, count))
    response[np.round(times * RATE / 1000).astype(int)] += rng.choice([-1, 1], count) * 0.35 * np.exp(-times / 15.0)
    return response


def room_tone(samples: int, seed: int = 5) -> np.ndarray:
    """Noise whose power falls with frequency, as fans and traffic behind a window give it, at an RMS of one."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    noise = np.fft.irfft(spectrum / np.maximum(hertz, 60.0), samples)
    return noise / np.sqrt(np.mean(noise**2))


def render(voice: str, seed: int, lines: list[tuple[float, str]]) -> np.ndarray:
    """One voice in the room: float64 ``(SECONDS * RATE,)``."""
    track = np.zeros(SECONDS * RATE)
    silent_from = 0
    for start_s, text in lines:
        speech, start = say(voice, text), round(start_s * RATE)
        if start < silent_from or start + len(speech) > len(track):
            raise SystemExit(
                f"{voice} has no time for {text!r} at {start_s} s: it lasts {len(speech) / RATE:.1f} s "
                f"and the line before it ends at {silent_from / RATE:.1f} s: move it"
            )
        track[start : start + len(speech)] += speech
        silent_from = start + len(speech)
        print(f"{voice}  {start_s:5.1f} .. {silent_from / RATE:5.1f} s  {text}")
    return np.convolve(track, early_reflections(seed))[: len(track)]


def main() -> None:
    sources = {name: render(*parts) for name, parts in VOICES.items()}
    speech = sum(sources.values())
    tone = room_tone(len(speech)) * np.sqrt(np.mean(speech**2)) * 10 ** (ROOM_TONE_DB / 20)
    mixture = speech + tone
    scale = 10 ** (PEAK_DB / 20) / np.abs(mixture).max()
    FOLDER.mkdir(exist_ok=True)
    for name, signal in {"mixture": mixture, **sources}.items():
        path = FOLDER / f"{name}.flac"
        soundfile.write(path, signal * scale, RATE, subtype="PCM_16")
        print(f"{path}  {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
