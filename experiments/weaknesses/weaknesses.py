"""Where a separator fails: its scores by who speaks, what ideal masks would reach, and how it does on known speakers.

    python docs/training/limits.py DATA [LADDER]

The dense level of the ladder (that which ships) is scored on DATA's ``valid/clean``, offline. Ideal masks are real,
between 0 and 1 (Erdogan et al., "Phase-sensitive and recognition-boosted speech separation", ICASSP 2015, truncated),
on a Fourier filterbank of the separator's sizes. Then it is scored on clean mixtures, made alike, of speakers that it
was trained on and of others: a separator that is weak on both does not overfit, it has not learned enough.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from statistics import mean

import numpy as np
import torch

from sepprune.data.corpus import Collection
from sepprune.evaluation import find_mixtures, score
from sepprune.separators.calling import delay_of, sources_of
from sepprune.separators.layers import Decoder, Encoder
from sepprune.streaming import Ladder
from sepprune.streaming.files import read_mono
from sepprune.training.mixtures import Mixtures, MixtureSettings, load_sounds
from sepprune.training.validation import si_sdr_improvement

#: mixtures of either kind of speakers
COUNT = 128


def ideal(mixture: torch.Tensor, references: torch.Tensor, hop: int, window: int) -> torch.Tensor:
    """References as ideal masks on the mixture give them, ``(sources, samples - hop)``."""
    encoder, decoder = Encoder(hop, 2 * hop, window), Decoder(hop, 2 * hop, window)
    spectra = encoder(torch.nn.functional.pad(torch.cat([mixture[None], references]), (window - hop, 0)))
    real, imaginary = spectra.chunk(2, dim=1)
    power = real[:1].square() + imaginary[:1].square()
    masks = ((real[:1] * real[1:] + imaginary[:1] * imaginary[1:]) / (power + 1e-9)).clamp(0, 1)
    masked = torch.cat([real[:1] * masks, imaginary[:1] * masks], dim=1)
    return decoder(masked, decoder.initial_state(len(masked)))[0][:, hop:]


def by_split(separator: torch.nn.Module, data: Path) -> dict[str, float]:
    """Mean SI-SDR improvement on clean mixtures of 4 s, fully overlapped, of the speakers of either split."""
    settings = MixtureSettings(seconds=4.0, batch=COUNT, speed=0.0, partial_overlap=0.0)
    return {
        split: si_sdr_improvement(
            separator, *Mixtures(settings, load_sounds(Collection(data), split, settings), batches=1, seed=99)[0]
        )
        for split in ("train", "valid")
    }


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("ladder", nargs="?")
    args = parser.parse_args()
    data, separator = Path(args.data), Ladder.load(args.ladder).build(0)
    with open(data / "manifest.csv", newline="", encoding="utf-8") as file:
        sexes = {row["speaker"]: row["sex"][:1].upper() or "?" for row in csv.DictReader(file)}
    with open(data / "valid/info.csv", newline="", encoding="utf-8") as file:
        pairs = {
            row["name"]: "".join(sorted(sexes[row[speaker]] for speaker in ("speaker1", "speaker2")))
            for row in csv.DictReader(file)
            if row["condition"] == "clean"
        }
    rows, rate = [], separator.sample_rate
    for entry in find_mixtures(data / "valid/clean"):
        signals = torch.from_numpy(np.stack([read_mono(path, rate)[0] for path in (entry.mixture, *entry.references)]))
        signals = signals[:, : signals.shape[1] // separator.hop * separator.hop]
        estimates = [
            sources_of(separator, signals[:1], delay_of(separator))[0],
            ideal(signals[0], signals[1:], separator.hop, separator.analysis_window),
        ]
        rows.append(
            (
                pairs[entry.name],
                *(
                    score(
                        estimate.numpy(),
                        signals[1:, : estimate.shape[1]].numpy(),
                        signals[0, : estimate.shape[1]].numpy(),
                        rate,
                    )["si_sdri"]
                    for estimate in estimates
                ),
            )
        )
    rows.sort(key=lambda row: row[1])
    third = len(rows) // 3
    groups = {"hardest third": rows[:third], "easiest third": rows[-third:], "all": rows}
    groups |= {pair: [row for row in rows if row[0] == pair] for pair in sorted({row[0] for row in rows})}
    print(f"{'clean validation mixtures':26} count  separated  ideal masks")
    for name, group in groups.items():
        separated, best = (mean(row[column] for row in group) for column in (1, 2))
        print(f"{name:26} {len(group):5} {separated:7.2f} dB {best:9.2f} dB")
    for split, improvement in by_split(separator, data).items():
        print(f"{'speakers of ' + split:26} {COUNT:5} {improvement:7.2f} dB")


if __name__ == "__main__":
    main()
