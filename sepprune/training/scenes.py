"""Scenes: everything that is random about a mixture of two voices, drawn before any sound is computed.

A scene is rendered by :mod:`~.render` on the processor, or by :mod:`~.render_device` with torch, on a GPU for example.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..data.corpus import SAMPLE_RATE, Voices
from .settings import MixtureSettings
from .sounds import Sounds, Span

#: change of the late reverberation of moved talkers, in dB
LATE_DB = (-6.0, 10.0)
#: largest level difference of moved talkers, in dB
UNEQUAL_DB = 10.0
#: shortest and longest stretch between two changes of speaker where voices take turns, in seconds
TURN = (0.3, 2.0)
#: share of synthetic noise among the noise
SYNTHETIC = 0.25


@dataclass(frozen=True)
class Colour:
    """A microphone that is not flat: a first-order high shelf and a first-order high-pass.

    Args:
        corner: of the shelf, in hertz.
        boost_db: gain above the corner.
        cut: corner of the high-pass, in hertz.
    """

    corner: float
    boost_db: float
    cut: float


@dataclass(frozen=True)
class Voice:
    """One speaker for the whole mixture.

    Args:
        speaker: group in :attr:`Sounds.speech`.
        spans: of that speaker's speech, played one after the other.
        speed: of playing; above 1 is faster and higher.
        formants: factor by which formants move.
        colour: of this voice alone.
        level_db: root mean square before the room, re full scale.
    """

    speaker: int
    spans: tuple[Span, ...]
    speed: float
    formants: float
    colour: Colour | None
    level_db: float


@dataclass(frozen=True)
class Activity:
    """When each voice speaks: stretches of the mixture, one after the other.

    Args:
        stops: the end of each stretch, in samples; the last is the length of the mixture.
        speaking: for each stretch, whether the first and the second voice speak.
    """

    stops: tuple[int, ...]
    speaking: tuple[tuple[bool, bool], ...]


@dataclass(frozen=True)
class Room:
    """A room with two talkers.

    Args:
        responses: impulse response of each talker, in :attr:`Sounds.rooms`.
        late_db: change of the late reverberation.
        gains_db: change of each talker's level.
    """

    responses: tuple[Span, Span]
    late_db: float = 0.0
    gains_db: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Noise:
    """Background noise, recorded or synthetic.

    Args:
        snr_db: level of the voices relative to the noise.
        span: in :attr:`Sounds.noise`, repeated if it is shorter than the mixture; ``None`` for synthetic noise.
        white: white noise that synthetic noise is made of, empty for recorded noise.
        slope: fall of its spectrum: 0 is white, 1 is 6 dB per octave.
    """

    snr_db: float
    span: Span | None
    white: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)
    slope: float = 0.0


@dataclass(frozen=True)
class Scene:
    """Everything that is random about one mixture.

    Args:
        voices: the two voices.
        activity: when they speak.
        room: where they speak; ``None`` for voices without a room.
        noise: in the background, ``None`` for none.
        colour: of the microphone, ``None`` for a flat one.
        level_db: root mean square of the mixture re full scale; lower where its peak would clip.
        clip: share of the mixture's samples that are clipped, 0 for none.
    """

    voices: tuple[Voice, Voice]
    activity: Activity
    room: Room | None
    noise: Noise | None
    colour: Colour | None
    level_db: float
    clip: float


def draw_scenes(settings: MixtureSettings, sounds: Sounds, seed: int, number: int) -> tuple[Scene, ...]:
    """The scenes of batch ``number``, which depend on ``seed`` and ``number`` alone.

    The order in which random numbers are drawn is fixed: the validation sets depend on it.
    """
    random = np.random.default_rng([seed, number])
    return tuple(_scene(settings, sounds, random) for _ in range(settings.batch))


def _scene(settings: MixtureSettings, sounds: Sounds, random: np.random.Generator) -> Scene:
    drawn = [_voice(settings, sounds.speech, speaker, random) for speaker in _speakers(settings, sounds.speech, random)]
    difference = random.uniform(-settings.difference_db, settings.difference_db)
    one, two = (
        Voice(*parts, level_db) for parts, level_db in zip(drawn, (difference / 2, -difference / 2), strict=True)
    )
    activity = _activity(settings, random)
    room = _room(settings, sounds.rooms, random) if _happens(settings.room, random) and sounds.rooms else None
    noise = _noise(settings, sounds.noise, random) if _happens(settings.noise, random) and sounds.noise else None
    colour = draw_colour(random) if _happens(settings.colour, random) else None
    level_db = random.uniform(*settings.level_db)
    clip = random.uniform(0.0005, 0.01) if _happens(settings.clip, random) else 0.0
    return Scene((one, two), activity, room, noise, colour, level_db, clip)


def _speakers(settings: MixtureSettings, speech: Voices, random: np.random.Generator) -> list[int]:
    one, two = random.choice(len(speech), size=2, replace=False).tolist()
    if _happens(settings.same_sex, random):
        sexes = speech.sexes
        same = [speaker for speaker, sex in enumerate(sexes) if sex and sex == sexes[one] and speaker != one]
        two = int(random.choice(same)) if same else two
    return [one, two]


def _voice(
    settings: MixtureSettings, speech: Voices, speaker: int, random: np.random.Generator
) -> tuple[int, tuple[Span, ...], float, float, Colour | None]:
    """All of a :class:`Voice` but its level: a part of one utterance, or several utterances."""
    utterances = speech.spans[speaker]
    speed = random.uniform(1 - settings.speed, 1 + settings.speed)
    wanted, spans = int(settings.samples * speed) + 1, []
    while wanted > 0:
        start, stop = utterances[random.integers(len(utterances))]
        start += int(random.integers(max(1, stop - start - wanted + 1)))
        spans.append((start, min(stop, start + wanted)))
        wanted -= spans[-1][1] - start
    formants = random.uniform(1 - settings.formants, 1 + settings.formants) if settings.formants else 1.0
    colour = draw_colour(random) if _happens(settings.voice_colour, random) else None
    return speaker, tuple(spans), speed, formants, colour


def _activity(settings: MixtureSettings, random: np.random.Generator) -> Activity:
    shares = {"single": settings.single, "turns": settings.turns, "partial_overlap": settings.partial_overlap}
    kind = next((kind for kind, share in shares.items() if _happens(share, random)), "overlap")
    return draw_activity(kind, settings.samples, random)


def draw_activity(kind: str, length: int, random: np.random.Generator) -> Activity:
    """When two voices speak.

    Args:
        kind: ``overlap`` (both all the time), ``single`` (one voice only), ``partial_overlap`` (one starts late or ends
            early, by up to half the length) or ``turns`` (stretches of 0.3 to 2 s in which one, the other, both or
            neither speaks).
        length: of the mixture, in samples.
        random: source of random numbers.
    """
    if kind == "overlap":
        return Activity((length,), ((True, True),))
    silent = int(random.integers(2))
    other = (silent != 0, silent != 1)
    if kind == "single":
        return Activity((length,), (other,))
    if kind == "partial_overlap":
        gap = int(random.integers(1, max(2, length // 2)))
        if random.random() < 0.5:
            return Activity((gap, length), (other, (True, True)))
        return Activity((length - gap, length), ((True, True), other))
    stops, speaking = [0], []
    while stops[-1] < length:
        stops.append(min(length, stops[-1] + int(random.uniform(*TURN) * SAMPLE_RATE)))
        pairs = ((True, False), (False, True), (True, True), (False, False))
        speaking.append(pairs[int(random.choice(4, p=(0.35, 0.35, 0.2, 0.1)))])
    return Activity(tuple(stops[1:]), tuple(speaking))


def _room(settings: MixtureSettings, rooms: Voices, random: np.random.Generator) -> Room:
    """Two places in one room, or two rooms if the first has a single place."""
    places = rooms.spans[random.integers(len(rooms))]
    if len(places) < 2:
        places = (places[0], rooms.spans[random.integers(len(rooms))][0])
    one, two = random.choice(len(places), size=2, replace=False).tolist()
    if not _happens(settings.moved, random):
        return Room((places[one], places[two]))
    late_db, unequal_db = random.uniform(*LATE_DB), random.uniform(-UNEQUAL_DB, UNEQUAL_DB)
    return Room((places[one], places[two]), late_db, (unequal_db / 2, -unequal_db / 2))


def _noise(settings: MixtureSettings, recorded: Voices, random: np.random.Generator) -> Noise:
    length = settings.samples
    if random.random() < SYNTHETIC:
        white, slope = random.standard_normal(length), random.uniform(0.0, 1.0)
        return Noise(random.uniform(*settings.snr_db), None, white, slope)
    spans = recorded.spans[random.integers(len(recorded))]
    start, stop = spans[random.integers(len(spans))]
    start += int(random.integers(max(1, stop - start - length + 1)))
    return Noise(random.uniform(*settings.snr_db), (start, min(stop, start + length)))


def draw_colour(random: np.random.Generator) -> Colour:
    """A shelf of up to 8 dB either way, and a high-pass below 200 Hz."""
    corner, boost_db = float(np.exp(random.uniform(np.log(300), np.log(4000)))), random.uniform(-8.0, 8.0)
    return Colour(corner, boost_db, random.uniform(20.0, 200.0))


def _happens(share: float, random: np.random.Generator) -> bool:
    """Whether an event of this probability happens; a probability of 0 draws no random number."""
    return share > 0 and random.random() < share
