"""Voices that speak alone: how much of them is heard on the other output, and which output they are given.

    python -m experiments.level_differences.lone_voices DATA assets/ladder:0 runs/ladder:0 [...] [--json FILE]

``--count`` voices of validation and as many of training speakers speak for 8 s each. The output with more sound is the
home of a voice. The leak is the power of the other output relative to it: -20 dB and less is hardly heard, and above
-10 dB the voice has mostly been on the other output for a while. The start is the first 1.5 s.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from sepprune.data.collection import Collection
from sepprune.separators.calling import delay_of, estimates_of
from sepprune.training.mixtures import Mixtures, MixtureSettings
from sepprune.training.sounds import load_sounds

from ..common import run_script, write_json
from .compare import SPLITS, built, check_arguments, level_name

SAMPLE_RATE = 16_000
MIXTURES = MixtureSettings(seconds=8.0, single=1.0, speed=1e-6, level_db=(-25.0, -25.0))
SEED, START = 7, int(1.5 * SAMPLE_RATE)
#: pitch of voices, in hertz, and the border between low and high ones
LOWEST_HZ, HIGHEST_HZ, BORDER_HZ = 70, 400, 170


@dataclass(frozen=True)
class Row:
    """What one level does with voices that speak alone.

    Args:
        level: ``FOLDER:NUMBER``.
        voices: number of voices.
        median_db: median of the leaks.
        worst_db: largest leak.
        above_20_db, above_10_db: voices with a leak above -20 and -10 dB.
        starts: voices with a leak above -10 dB in the start.
        later: voices with a leak above -10 dB after the start.
        low_voices: voices with a pitch below ``BORDER_HZ``.
        low_at_home: of these, voices whose home is the output that most low voices have.
        high_at_home: of the others, voices whose home is the other output.
    """

    level: str
    voices: int
    median_db: float
    worst_db: float
    above_20_db: int
    above_10_db: int
    starts: int
    later: int
    low_voices: int
    low_at_home: int
    high_at_home: int


def pitch(voice: Tensor) -> float:
    """Median pitch of a voice in hertz, from the autocorrelation of 64 ms pieces that are loud and voiced."""
    pieces = voice.unfold(0, 1024, 512)
    pieces = pieces[pieces.square().mean(1) > 0.1 * voice.square().mean()]
    spectrum = torch.fft.rfft(pieces * torch.hann_window(1024), 2048).abs().square()
    correlation = torch.fft.irfft(spectrum)[:, :1024]
    shortest, longest = SAMPLE_RATE // HIGHEST_HZ, SAMPLE_RATE // LOWEST_HZ
    best, lag = correlation[:, shortest:longest].max(1)
    voiced = best > 0.5 * correlation[:, 0]
    return float(SAMPLE_RATE / (shortest + lag[voiced]).median()) if voiced.any() else 0.0


def outputs(level: str, mixtures: Tensor) -> Tensor:
    """Estimates of a level that is given as ``FOLDER:NUMBER``, ``(mixtures, sources, samples)``."""
    separator = built(level)
    with torch.no_grad():
        return torch.cat([estimates_of(separator, part, delay_of(separator), "fp32") for part in mixtures.split(8)])


def measure(level: str, mixtures: Tensor, pitches: Tensor) -> Row:
    """Separate all voices at a level that is given as ``FOLDER:NUMBER``.

    Shape:
        - mixtures: ``(voices, samples)``; pitches: ``(voices,)``
    """
    both = outputs(level, mixtures)
    home = both.square().sum(-1).argmax(1)
    other = both.gather(1, (1 - home)[:, None, None].expand(-1, 1, both.shape[-1]))[:, 0]
    main = both.gather(1, home[:, None, None].expand(-1, 1, both.shape[-1]))[:, 0]

    def leaks(part: slice) -> Tensor:
        wrong, right = (signal[:, part].square().sum(1) for signal in (other, main))
        return 10 * ((wrong + 1e-9) / (right + 1e-9)).log10()

    whole, low = leaks(slice(None)), pitches < BORDER_HZ
    output = int(home[low].float().mean().round())
    return Row(
        level,
        len(mixtures),
        round(float(whole.median()), 1),
        round(float(whole.max()), 1),
        int((whole > -20).sum()),
        int((whole > -10).sum()),
        int((leaks(slice(START)) > -10).sum()),
        int((leaks(slice(START, None)) > -10).sum()),
        int(low.sum()),
        int((home[low] == output).sum()),
        int((home[~low] != output).sum()),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of recordings")
    parser.add_argument("levels", nargs="+", type=level_name, metavar="FOLDER:LEVEL", help="level of a ladder")
    parser.add_argument("--count", type=int, default=128, help="voices of each kind of speakers (default: 128)")
    parser.add_argument("--json", type=Path, help="file for the result")
    args = parser.parse_args()
    check_arguments(args.levels, args.count, args.json)
    torch.set_num_threads(1)
    collection, parts = Collection(args.data), []
    settings = replace(MIXTURES, batch=args.count)
    for split in SPLITS:
        parts.append(Mixtures(settings, load_sounds(collection, split, settings), 1, SEED)[0])
    mixtures = torch.cat([mixture for mixture, _ in parts])
    pitches = torch.tensor([pitch(references.sum(0)) for _, batch in parts for references in batch])
    rows = [
        measure(level, mixtures, pitches) for level in track(args.levels, "separating", console=Console(stderr=True))
    ]
    table = Table(*asdict(rows[0]))
    for row in rows:
        table.add_row(*map(str, asdict(row).values()))
    Console(width=200).print(table)
    if args.json:
        write_json(args.json, {"levels": [asdict(row) for row in rows]})


if __name__ == "__main__":
    run_script(main)
