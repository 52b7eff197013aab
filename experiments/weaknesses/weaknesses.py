"""Shows where a separator is weak: scores by pair of voices, against ideal masks, and on training speakers.

    python -m experiments.weaknesses.weaknesses DATA [LADDER]

Scores the dense level of a ladder (default: the bundled one) offline on ``DATA/valid/clean``. Ideal masks are the
truncated phase-sensitive masks, real and between 0 and 1, of Erdogan et al., "Phase-sensitive and recognition-boosted
speech separation", ICASSP 2015, on a Fourier filterbank of the separator's sizes. Then scores equally made clean
mixtures of training speakers and of validation speakers: a separator that is weak on both does not overfit.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import torch

from sepprune.data.collection import Collection
from sepprune.data.mixtures import find
from sepprune.evaluation import score
from sepprune.separators.calling import sources_of
from sepprune.separators.layers import Decoder, Encoder
from sepprune.separators.spectral import SpectralSeparator
from sepprune.streaming import Ladder
from sepprune.streaming.files import read_mono
from sepprune.training.mixtures import Mixtures, MixtureSettings, load_sounds
from sepprune.training.validation import si_sdr_improvement

from ..bundled import dense
from ..common import run_script

#: mixtures of training speakers, and of validation speakers
COUNT = 128


def ideal(mixture: torch.Tensor, references: torch.Tensor, hop: int, window: int) -> torch.Tensor:
    """Sources that ideal masks make of a mixture, ``(sources, samples - hop)``.

    Shape:
        - mixture: ``(samples,)``, references: ``(sources, samples)``
    """
    encoder, decoder = Encoder(hop, 2 * hop, window), Decoder(hop, 2 * hop, window)
    signals = torch.nn.functional.pad(torch.cat([mixture[None], references]), (window - hop, 0))
    spectra = encoder(signals.unfold(1, window, hop))
    real, imaginary = spectra.chunk(2, dim=1)
    power = real[:1].square() + imaginary[:1].square()
    masks = ((real[:1] * real[1:] + imaginary[:1] * imaginary[1:]) / (power + 1e-9)).clamp(0, 1)
    masked = torch.cat([real[:1] * masks, imaginary[:1] * masks], dim=1)
    sources: torch.Tensor = decoder(masked, decoder.initial_state(len(masked)))[0]
    return sources[:, hop:]


def by_split(separator: torch.nn.Module, data: Path) -> dict[str, float]:
    """Mean SI-SDRi in dB on clean, fully overlapped mixtures of 4 s, by split of the speakers."""
    settings = MixtureSettings(seconds=4.0, batch=COUNT, speed=0.0, partial_overlap=0.0)
    return {
        split: si_sdr_improvement(
            separator, *Mixtures(settings, load_sounds(Collection(data), split, settings), batches=1, seed=99)[0]
        )
        for split in ("train", "valid")
    }


@dataclass(frozen=True)
class Score:
    """SI-SDRi of one mixture in dB.

    Args:
        pair: sexes of the two voices, such as ``FM``.
        separated: of the separator.
        ideal: of ideal masks.
    """

    pair: str
    separated: float
    ideal: float


def by_mixture(separator: SpectralSeparator, data: Path) -> list[Score]:
    """Scores of every clean validation mixture, worst first."""
    pairs, rate, found = _pairs(data), separator.sample_rate, []
    for entry in find(data / "valid/clean"):
        signals = torch.from_numpy(np.stack([read_mono(path, rate)[0] for path in (entry.mixture, *entry.references)]))
        signals = signals[:, : signals.shape[1] // separator.hop * separator.hop]
        mixture, references = signals[0], signals[1:]
        separated = sources_of(separator, signals[:1], separator.delay)[0]
        masked = ideal(mixture, references, separator.hop, separator.analysis_window)
        scores = [
            float(
                score(
                    estimate.numpy(),
                    references[:, : estimate.shape[1]].numpy(),
                    mixture[: estimate.shape[1]].numpy(),
                    rate,
                )["si_sdri"]
            )
            for estimate in (separated, masked)
        ]
        found.append(Score(pairs[entry.name], *scores))
    return sorted(found, key=lambda one: one.separated)


def _pairs(data: Path) -> dict[str, str]:
    """Sexes of the two voices by name of the clean validation mixture."""
    with open(data / "manifest.csv", newline="", encoding="utf-8") as file:
        sexes = {row["speaker"]: row["sex"][:1].upper() or "?" for row in csv.DictReader(file)}
    with open(data / "valid/info.csv", newline="", encoding="utf-8") as file:
        return {
            row["name"]: "".join(sorted(sexes[row[speaker]] for speaker in ("speaker1", "speaker2")))
            for row in csv.DictReader(file)
            if row["condition"] == "clean"
        }


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="folder of recordings with valid/clean")
    parser.add_argument("ladder", nargs="?", help="folder of a ladder (default: the bundled one)")
    args = parser.parse_args()
    data, separator = Path(args.data), dense(Ladder.load(args.ladder))
    if not isinstance(separator, SpectralSeparator):
        raise SystemExit(f"{type(separator).__name__} masks no spectrum, as ideal masks do: give another ladder")
    rows = by_mixture(separator, data)
    third = len(rows) // 3
    groups = {"hardest third": rows[:third], "easiest third": rows[-third:], "all": rows}
    groups |= {pair: [row for row in rows if row.pair == pair] for pair in sorted({row.pair for row in rows})}
    print(f"{'clean validation mixtures':26} count  separated  ideal masks")
    for name, group in groups.items():
        separated, best = mean(row.separated for row in group), mean(row.ideal for row in group)
        print(f"{name:26} {len(group):5} {separated:7.2f} dB {best:9.2f} dB")
    for split, improvement in by_split(separator, data).items():
        print(f"{'speakers of ' + split:26} {COUNT:5} {improvement:7.2f} dB")


if __name__ == "__main__":
    run_script(main)
