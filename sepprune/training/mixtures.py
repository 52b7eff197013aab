"""Dynamic mixing: every training batch is new, and every batch can be made again from its number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from .corpus import SAMPLE_RATE, Voices

Signal = NDArray[np.float32]


@dataclass(frozen=True)
class MixtureSettings:
    """What mixtures are like.

    Args:
        seconds: length of a mixture.
        batch: mixtures in a batch.
        difference_db: the two voices' levels differ by up to this much.
        level_db: lowest and highest level of the mixture, root mean square re full scale.
        speed: voices are played up to this much faster or slower (which also moves their pitch).
        partial_overlap: share of mixtures in which one voice starts late or ends early.
        single: share of mixtures in which only one voice speaks.
        noise: share of mixtures with background noise.
        snr_db: lowest and highest level of the voices over the noise.
    """

    seconds: float = 3.2
    batch: int = 8
    difference_db: float = 5.0
    level_db: tuple[float, float] = (-35.0, -18.0)
    speed: float = 0.12
    partial_overlap: float = 0.1
    single: float = 0.0
    noise: float = 0.0
    snr_db: tuple[float, float] = (5.0, 30.0)

    @property
    def samples(self) -> int:
        return round(self.seconds * SAMPLE_RATE)


class Mixtures(Dataset[tuple[Tensor, Tensor]]):
    """Batches of mixtures of two voices, by number.

    Batch ``i`` depends on ``seed`` and ``i`` alone, so a resumed run goes on where it stopped, however many
    workers make batches.

    Shape:
        - mixture: ``(batch, samples)``
        - references: ``(batch, 2, samples)``
    """

    def __init__(self, settings: MixtureSettings, voices: Voices, noise: Voices | None, batches: int, seed: int,
                 ) -> None:
        self.settings, self.voices, self.noise, self.batches, self.seed = settings, voices, noise, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng([self.seed, index])
        examples = [self._example(random) for _ in range(self.settings.batch)]
        mixtures, references = zip(*examples, strict=True)
        return torch.from_numpy(np.stack(mixtures)), torch.from_numpy(np.stack(references))

    def _example(self, random: np.random.Generator) -> tuple[Signal, Signal]:
        settings = self.settings
        speakers = random.choice(len(self.voices), size=2, replace=False)
        references = np.stack([self._voice(random, speaker) for speaker in speakers])
        difference = random.uniform(-settings.difference_db, settings.difference_db)
        references *= _gain(references, np.array([difference / 2, -difference / 2]))[:, None]
        if random.random() < settings.single:
            references[random.integers(2)] = 0
        elif random.random() < settings.partial_overlap:
            _shorten(references[random.integers(2)], random)
        mixture = references.sum(axis=0)
        if self.noise is not None and random.random() < settings.noise:
            noise = self._noise(random)
            level = _level(mixture) - random.uniform(*settings.snr_db)
            mixture = mixture + noise * _gain(noise[None], np.array([level]))
        gain = 10 ** ((random.uniform(*settings.level_db) - _level(mixture)) / 20)
        gain = min(gain, 0.99 / max(float(np.abs(mixture).max()), 1e-9))
        return (mixture * gain).astype(np.float32), (references * gain).astype(np.float32)

    def _voice(self, random: np.random.Generator, speaker: int) -> Signal:
        """One speaker for the whole length: a piece of one utterance, or several in a row."""
        spans, length = self.voices.spans[speaker], self.settings.samples
        factor = random.uniform(1 - self.settings.speed, 1 + self.settings.speed)
        wanted, pieces = int(length * factor) + 1, []
        while wanted > 0:
            start, stop = spans[random.integers(len(spans))]
            start += random.integers(max(1, stop - start - wanted + 1))
            pieces.append(self.voices.samples[start:min(stop, start + wanted)].astype(np.float32) / 32768)
            wanted -= len(pieces[-1])
        played = soxr.resample(np.concatenate(pieces), factor, 1.0, quality="LQ")
        return _fit(played, length)

    def _noise(self, random: np.random.Generator) -> Signal:
        spans = self.noise.spans[random.integers(len(self.noise))]
        start, stop = spans[random.integers(len(spans))]
        length = self.settings.samples
        start += random.integers(max(1, stop - start - length + 1))
        piece = self.noise.samples[start:min(stop, start + length)].astype(np.float32) / 32768
        return np.resize(piece, length) if len(piece) else np.zeros(length, np.float32)


def _fit(signal: Signal, length: int) -> Signal:
    return signal[:length] if len(signal) >= length else np.pad(signal, (0, length - len(signal)))


def _level(signal: Signal) -> float:
    """Root mean square in dB re full scale."""
    return 10 * float(np.log10(np.square(signal, dtype=np.float64).mean() + 1e-10))


def _gain(signals: Signal, levels_db: NDArray[np.float64]) -> Signal:
    """Factors that bring each row to its level; a silent row stays silent."""
    now = np.array([_level(signal) for signal in signals])
    return np.where(now > -90, 10 ** ((levels_db - now) / 20), 0.0).astype(np.float32)


def _shorten(signal: Signal, random: np.random.Generator) -> None:
    """Silence up to half of a voice at its start or end, in place."""
    silent = random.integers(1, max(2, len(signal) // 2))
    if random.random() < 0.5:
        signal[:silent] = 0
    else:
        signal[-silent:] = 0
