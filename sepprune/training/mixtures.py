"""Dynamic mixing: every training batch is new, and every batch can be made again from its number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..data.corpus import SAMPLE_RATE, Collection, Signal, Voices, load_voices
from .acoustics import EARLY, activity, clipped, coloured, coloured_noise, gains, level, moved, reverberated
from .formants import move_formants
from .rooms import load_rooms


@dataclass(frozen=True)
class MixtureSettings:
    """What mixtures are like.

    Args:
        seconds: length of a mixture.
        batch: mixtures in a batch.
        difference_db: the two voices' levels differ by up to this much.
        level_db: lowest and highest level of the mixture, root mean square re full scale.
        speed: voices are played up to this much faster or slower, which also moves pitch and formants: the same
            speaker becomes another.
        formants: the resonances of every voice are moved up or down by up to this much, on top of what ``speed`` does
            to them and without its effect on pitch.
        voice_colour: share of voices that get a tilt and a low cut of their own, as another microphone would give.
        same_sex: share of mixtures whose second voice is drawn among speakers of the first one's sex, where the data
            tell it; of the others chance makes about half alike, too. Voices that are alike are the hard part.
        single: share of mixtures in which only one voice speaks.
        turns: of the others, share in which the voices take turns, with pauses and overlap.
        partial_overlap: of the rest, share in which one voice starts late or ends early.
        noise: share of mixtures with background noise, a quarter of it synthetic.
        snr_db: lowest and highest level of the voices over the noise.
        room: share of mixtures in which the voices sound in a room. The references are then the direct sound and
            what reaches the microphone within 50 ms after it.
        rooms: how many rooms are simulated, once; measured ones come on top.
        moved: of the mixtures in a room, share whose talkers sit elsewhere than in the recorded or simulated room:
            reverberation from 6 dB softer to 10 dB louder, one talker up to 10 dB louder than the other.
        colour: share of mixtures whose microphone is not flat: up to 8 dB of tilt and a low cut.
        clip: share of mixtures whose peaks are clipped.
    """

    seconds: float = 3.2
    batch: int = 8
    difference_db: float = 5.0
    level_db: tuple[float, float] = (-35.0, -18.0)
    speed: float = 0.12
    formants: float = 0.0
    voice_colour: float = 0.0
    same_sex: float = 0.0
    single: float = 0.0
    turns: float = 0.0
    partial_overlap: float = 0.1
    noise: float = 0.0
    snr_db: tuple[float, float] = (5.0, 30.0)
    room: float = 0.0
    rooms: int = 300
    moved: float = 0.0
    colour: float = 0.0
    clip: float = 0.0

    @property
    def samples(self) -> int:
        return round(self.seconds * SAMPLE_RATE)


@dataclass(frozen=True)
class Sounds:
    """What mixtures are made of.

    Args:
        speech: voices.
        noise: background noise, where mixtures have any.
        rooms: impulse responses by room, where mixtures sound in any.
    """

    speech: Voices
    noise: Voices | None = None
    rooms: Voices | None = None


def load_sounds(collection: Collection, split: str, settings: MixtureSettings) -> Sounds:
    """The recordings of a split that ``settings`` ask for."""
    # rooms first: a missing simulator is told before minutes of decoding
    rooms = load_rooms(collection, split, settings.rooms) if settings.room else None
    return Sounds(
        load_voices(collection, split, "speech"),
        load_voices(collection, split, "noise") if settings.noise else None,
        rooms,
    )


class Mixtures(Dataset[tuple[Tensor, Tensor]]):
    """Batches of mixtures of two voices, by number.

    Batch ``i`` depends on ``seed`` and ``i`` alone, so a resumed run goes on where it stopped, however many
    workers make batches.

    Shape:
        - mixture: ``(batch, samples)``
        - references: ``(batch, 2, samples)``
    """

    def __init__(self, settings: MixtureSettings, sounds: Sounds, batches: int, seed: int) -> None:
        self.settings, self.sounds, self.batches, self.seed = settings, sounds, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        random = np.random.default_rng([self.seed, index])
        examples = [self._example(random) for _ in range(self.settings.batch)]
        mixtures, references = zip(*examples, strict=True)
        return torch.from_numpy(np.stack(mixtures)), torch.from_numpy(np.stack(references))

    def _example(self, random: np.random.Generator) -> tuple[Signal, Signal]:
        settings = self.settings
        voices = np.stack([self._voice(random, speaker) for speaker in self._speakers(random)])
        difference = random.uniform(-settings.difference_db, settings.difference_db)
        voices *= gains(voices, difference / 2, -difference / 2)[:, None]
        voices *= self._activity(random)
        references = heard = voices
        if _happens(settings.room, random) and self.sounds.rooms is not None:
            heard, references = reverberated(voices, self._responses(random), EARLY)
        mixture = heard.sum(axis=0)
        if _happens(settings.noise, random) and self.sounds.noise is not None:
            noise = self._noise(random)
            mixture = mixture + noise * gains(noise[None], level(mixture) - random.uniform(*settings.snr_db))
        signals = np.concatenate([mixture[None], references])
        if _happens(settings.colour, random):
            signals = coloured(signals, random)
        wanted = random.uniform(*settings.level_db) - level(signals[0])
        signals = signals * min(10 ** (wanted / 20), 0.99 / max(float(np.abs(signals[0]).max()), 1e-9))
        if _happens(settings.clip, random):
            signals[0] = clipped(signals[0], random)
        return signals[0].astype(np.float32), signals[1:].astype(np.float32)

    def _speakers(self, random: np.random.Generator) -> Signal:
        """Two of them."""
        chosen = random.choice(len(self.sounds.speech), size=2, replace=False)
        if _happens(self.settings.same_sex, random):
            sexes = self.sounds.speech.sexes
            alike = [
                speaker for speaker, sex in enumerate(sexes) if sex and sex == sexes[chosen[0]] and speaker != chosen[0]
            ]
            chosen[1] = random.choice(alike) if alike else chosen[1]
        return chosen

    def _activity(self, random: np.random.Generator) -> Signal:
        """When each voice speaks, ``(2, samples)``."""
        for kind in ("single", "turns", "partial_overlap"):
            if _happens(getattr(self.settings, kind), random):
                return activity(kind, self.settings.samples, random)
        return np.ones((2, self.settings.samples), np.float32)

    def _responses(self, random: np.random.Generator) -> list[Signal]:
        """An impulse response a voice: two places in one room, or two rooms where one has a single place."""
        rooms = self.sounds.rooms
        spans = rooms.spans[random.integers(len(rooms))]
        if len(spans) < 2:
            spans = (spans[0], rooms.spans[random.integers(len(rooms))][0])
        chosen = random.choice(len(spans), size=2, replace=False)
        responses = [rooms.samples[slice(*spans[place])].astype(np.float32) / 32768 for place in chosen]
        return moved(responses, random) if _happens(self.settings.moved, random) else responses

    def _voice(self, random: np.random.Generator, speaker: int) -> Signal:
        """One speaker for the whole length: a piece of one utterance, or several in a row."""
        speech, length = self.sounds.speech, self.settings.samples
        spans = speech.spans[speaker]
        factor = random.uniform(1 - self.settings.speed, 1 + self.settings.speed)
        wanted, pieces = int(length * factor) + 1, []
        while wanted > 0:
            start, stop = spans[random.integers(len(spans))]
            start += random.integers(max(1, stop - start - wanted + 1))
            pieces.append(speech.samples[start : min(stop, start + wanted)].astype(np.float32) / 32768)
            wanted -= len(pieces[-1])
        # the next lower quality is no faster and takes away what is above 6.4 kHz, which live voices have
        played = _fit(soxr.resample(np.concatenate(pieces), factor, 1.0, quality="MQ"), length)
        if self.settings.formants:
            moved = torch.tensor([random.uniform(1 - self.settings.formants, 1 + self.settings.formants)])
            played = move_formants(torch.from_numpy(played)[None], moved.float())[0].numpy()
        return coloured(played, random) if _happens(self.settings.voice_colour, random) else played

    def _noise(self, random: np.random.Generator) -> Signal:
        recorded, length = self.sounds.noise, self.settings.samples
        if random.random() < 0.25:
            return coloured_noise(length, random)
        spans = recorded.spans[random.integers(len(recorded))]
        start, stop = spans[random.integers(len(spans))]
        start += random.integers(max(1, stop - start - length + 1))
        piece = recorded.samples[start : min(stop, start + length)].astype(np.float32) / 32768
        return np.resize(piece, length) if len(piece) else np.zeros(length, np.float32)


def _happens(share: float, random: np.random.Generator) -> bool:
    """Whether something that happens in a share of all cases happens now; what never happens takes no random number."""
    return share > 0 and random.random() < share


def _fit(signal: Signal, length: int) -> Signal:
    return signal[:length] if len(signal) >= length else np.pad(signal, (0, length - len(signal)))
