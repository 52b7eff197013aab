"""Separate sound chunk by chunk inside a program of your own, and change the level while it runs.

    python examples/stream_in_your_program.py [IN.wav] [--out voices]

A file stands in for the sound source. In your program a chunk may come from a socket, a sound card or a robot: the
loop stays the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import soundfile

import sepprune
from sepprune.resources import asset


def main() -> None:
    parser = argparse.ArgumentParser(description="Stream a file through the bundled ladder.")
    parser.add_argument("input", nargs="?", default=asset("demo/mixture.flac"), help="sound file, 16 kHz, one channel")
    parser.add_argument("--out", default="voices", help="folder for the voices")
    args = parser.parse_args()

    ladder = sepprune.Ladder.load()  # the bundled ladder; give a folder for your own
    mixture, rate = soundfile.read(args.input, dtype="float32")
    if rate != ladder.sample_rate or mixture.ndim != 1:
        parser.error(
            f"{args.input} has {rate} Hz and shape {mixture.shape}: give one channel at {ladder.sample_rate} Hz"
        )

    voices, levels = [], []
    with sepprune.StreamingSeparator(ladder, level=0, chunk_ms=8) as stream:
        # The last voices come out `delay` samples after the last samples went in: feed zeros for that long.
        chunks = -(-(len(mixture) + stream.delay) // stream.chunk)
        padded = np.zeros(chunks * stream.chunk, np.float32)
        padded[: len(mixture)] = mixture
        for index, chunk in enumerate(padded.reshape(chunks, stream.chunk)):
            if index == chunks // 2:
                # Without `wait` a thread prepares the new level, and the stream never pauses. A file is read faster
                # than real time, so here the stream waits, and the result is the same every time.
                stream.set_level(4, wait=True)
            voices.append(stream.step(chunk))  # (sources, chunk) float32
            stream.settle()  # upkeep, best done after the sound is handed on
            levels.append(stream.level)
        joined = np.concatenate(voices, axis=1)[:, stream.delay : stream.delay + len(mixture)]

    folder = Path(args.out)
    folder.mkdir(parents=True, exist_ok=True)
    for number, voice in enumerate(joined, start=1):
        soundfile.write(folder / f"voice{number}.wav", voice, ladder.sample_rate, subtype="FLOAT")
    print(f"{len(levels)} chunks: {levels.count(0)} at level 0, {levels.count(4)} at level 4; voices in {folder}")


if __name__ == "__main__":
    main()
