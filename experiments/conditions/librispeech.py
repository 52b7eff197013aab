"""Test mixtures of LibriSpeech speakers, in case the test mixtures of the project are easier or harder than others.

    python -m experiments.conditions.librispeech LIBRISPEECH OUT

LIBRISPEECH is a folder with recordings of LibriSpeech (Panayotov et al., "LibriSpeech: an ASR corpus based on public
domain audio books", ICASSP 2015), at any depth, under their own names (SPEAKER-CHAPTER-NUMBER.flac). OUT receives the
folders ``clean``, ``noisy`` and ``room``, each with ``mix/``, ``s1/`` and ``s2/``, and the list of speakers,
``info.csv``. ``sepprune evaluate --data OUT/clean`` scores them. The same recordings always give the same files.

- ``clean``: every pair of speakers twice, but not more than 90 mixtures of 4 s; the voices overlap fully, one is up to
  5 dB louder.
- ``noisy``: the same with synthetic noise 10 to 20 dB below the mixture.
- ``room``: the same in simulated rooms with reverberation times of 0.2 to 0.5 s, talkers 0.5 to 2.5 m away.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from sepprune.data.corpus import trim_silence
from sepprune.training.acoustics import sloped_noise

from .conditions import LEVEL, SAMPLE_RATE, Waveforms, in_room, simulate, write

#: samples and largest number of mixtures, and how often a pair is mixed
LENGTH, MOST, TIMES = 4 * SAMPLE_RATE, 90, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, metavar="LIBRISPEECH")
    parser.add_argument("out", type=Path, help="folder that receives clean/, noisy/ and room/")
    args = parser.parse_args()
    speakers: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(args.recordings.rglob("*-*-*.flac"), key=lambda path: path.name):
        if soundfile.info(path).frames > 1.2 * LENGTH:  # some of it is silence at the edges
            speakers[path.name.split("-")[0]].append(path)
    if len(speakers) < 2:
        parser.error(f"{args.recordings} has no two speakers of LibriSpeech with recordings of 5 s: give its folder")
    random = np.random.default_rng(27)
    pairs = [pair for pair in combinations(sorted(speakers), 2) for _ in range(TIMES)]
    rows = []
    for number in sorted(random.permutation(len(pairs))[:MOST].tolist()):
        name, sources = f"{number:04d}", np.stack([excerpt(speakers[one], random) for one in pairs[number]])
        sources[1] *= 10 ** (random.uniform(-5, 5) / 20)
        for condition, signals in conditions(sources, number).items():
            write(args.out / condition, name, signals)
        rows.append((name, *pairs[number]))
    with open(args.out / "info.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "speaker1", "speaker2"), *rows])
    print(f"{len(rows)} mixtures of {len(speakers)} speakers under each of three conditions in {args.out}")


def excerpt(paths: list[Path], random: np.random.Generator) -> NDArray[np.float64]:
    """Speech of one speaker, :data:`LENGTH` samples with a root mean square of 1."""
    voice = trim_silence(soundfile.read(paths[random.integers(len(paths))], dtype="float32")[0])
    start = int(random.integers(max(1, len(voice) - LENGTH + 1)))
    piece = np.resize(voice[start : start + LENGTH], LENGTH).astype(np.float64)
    scaled: NDArray[np.float64] = piece / np.sqrt(np.square(piece).mean())
    return scaled


def conditions(sources: Waveforms, number: int) -> dict[str, Waveforms]:
    """Mixture and sources ``(3, samples)`` by condition, the mixture at :data:`LEVEL`."""
    random = np.random.default_rng([27, number])
    mixture = sources.sum(axis=0)
    clean = np.concatenate([mixture[None], sources]) * LEVEL / np.sqrt(np.square(mixture).mean())
    noise = sloped_noise(random.standard_normal(LENGTH), random.uniform(0.0, 1.0)).astype(np.float64)
    noisy = clean.copy()
    noisy[0] += noise * 10 ** (-random.uniform(10, 20) / 20) * LEVEL / np.sqrt(np.square(noise).mean())
    return {"clean": clean, "noisy": noisy, "room": in_room(clean, simulate(random, 2, (0.2, 0.5), (0.5, 2.5)))}


if __name__ == "__main__":
    main()
