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
import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sepprune.data.corpus import trim_silence
from sepprune.data.sound import frames_of, read_at_rate
from sepprune.errors import UserError
from sepprune.files import reason
from sepprune.training.acoustics import sloped_noise

from ..common import run_script
from .conditions import LEVEL, SAMPLE_RATE, Waveforms, in_room, simulate, write

#: samples and largest number of mixtures, and how often a pair is mixed
LENGTH, MOST, TIMES = 4 * SAMPLE_RATE, 90, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recordings", type=Path, metavar="LIBRISPEECH", help="folder of LibriSpeech or of a part of it")
    parser.add_argument("out", type=Path, metavar="OUT", help="new folder that receives clean/, noisy/ and room/")
    args = parser.parse_args()
    if not args.recordings.is_dir():
        parser.error(f"there is no folder {args.recordings}")
    if args.out.exists():
        parser.error(f"{args.out} exists already: give a new folder")
    try:
        make(args.recordings, args.out)
    except OSError as error:
        parser.error(f"cannot write {args.out}: {reason(error)}")


def make(recordings: Path, out: Path) -> None:
    """Write the mixtures of all conditions and the list of speakers.

    Raises:
        UserError: a recording cannot be read or is silent, or there are no two speakers.
        OSError: the disk is full, or the folder cannot be written.
    """
    speakers: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(recordings.rglob("*.flac"), key=lambda path: path.name):
        found = re.fullmatch(r"(\d+)-\d+-\d+\.flac", path.name)
        if found and frames_of(path, SAMPLE_RATE) > 1.2 * LENGTH:  # some of it is silence at the edges
            speakers[found[1]].append(path)
    if len(speakers) < 2:
        raise UserError(
            f"{recordings} has not two speakers with recordings SPEAKER-CHAPTER-NUMBER.flac of 5 s and more: give a "
            "folder of LibriSpeech"
        )
    random = np.random.default_rng(27)
    pairs = [pair for pair in combinations(sorted(speakers), 2) for _ in range(TIMES)]
    rows = []
    for number in sorted(random.permutation(len(pairs))[:MOST].tolist()):
        name, sources = f"{number:04d}", np.stack([excerpt(speakers[one], random) for one in pairs[number]])
        sources[1] *= 10 ** (random.uniform(-5, 5) / 20)
        for condition, signals in conditions(sources, number).items():
            write(out / condition, name, signals)
        rows.append((name, *pairs[number]))
    with open(out / "info.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "speaker1", "speaker2"), *rows])
    print(f"{len(rows)} mixtures of {len(speakers)} speakers under each of three conditions in {out}")


def excerpt(paths: list[Path], random: np.random.Generator) -> NDArray[np.float64]:
    """Speech of one speaker, :data:`LENGTH` samples with a root mean square of 1.

    Raises:
        UserError: the recording cannot be read or is silent.
    """
    path = paths[random.integers(len(paths))]
    voice = trim_silence(read_at_rate(path, SAMPLE_RATE))
    start = int(random.integers(max(1, len(voice) - LENGTH + 1)))
    piece = np.resize(voice[start : start + LENGTH], LENGTH).astype(np.float64)
    if not piece.any():
        raise UserError(f"{path} is silent: remove it")
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
    run_script(main)
