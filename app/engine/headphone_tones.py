"""Tones that tell headphones from loudspeakers (Woods et al. 2017, Attention, Perception & Psychophysics 79).

Three tones follow each other. One is softer by 6 dB, and one is in antiphase between left and right. With headphones
the soft one is the softest. In front of loudspeakers the antiphase one is, because it cancels itself in the air.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Samples

#: questions, and right answers that headphones give at least; by guessing 18 of 1000 listeners reach that
QUESTIONS, NEEDED = 6, 5
FREQUENCY, TONE_S, PAUSE_S, RAMP_S = 200.0, 1.0, 0.5, 0.1
#: level of the soft tone against the others in dB; amplitude of the others, full scale 1
SOFTER_DB, AMPLITUDE = -6.0, 0.25
#: tones in a question
TONES = 3


@dataclass(frozen=True)
class ToneQuestion:
    """One question.

    Args:
        sound: ``(samples, 2)``, the tones and a pause.
        softest: place of the soft tone, from 0.
        antiphase: place of the tone in antiphase.
    """

    sound: Samples
    softest: int
    antiphase: int


def tone_questions(seed: int, rate: int) -> list[ToneQuestion]:
    """The questions of a check, places drawn from ``seed``."""
    rng, questions = np.random.default_rng(seed), list[ToneQuestion]()
    for _ in range(QUESTIONS):
        softest, antiphase = (int(place) for place in rng.permutation(TONES)[:2])
        parts = []
        for place in range(TONES):
            tone = _tone(rate) * np.float32(10 ** (SOFTER_DB / 20) if place == softest else 1.0)
            parts += [np.stack([tone, -tone if place == antiphase else tone], axis=1), _pause(rate)]
        questions.append(ToneQuestion(np.concatenate([*parts, _pause(rate)]), softest, antiphase))
    return questions


def place_at(seconds: float) -> int | None:
    """Place of the tone that is heard at a position in a question; ``None`` in a pause."""
    place, within = divmod(seconds, TONE_S + PAUSE_S)
    return int(place) if within < TONE_S and place < TONES else None


def _tone(rate: int) -> Samples:
    time = np.arange(round(TONE_S * rate)) / rate
    ramp = np.minimum(1.0, np.minimum(time, time[::-1]) / RAMP_S)
    return (AMPLITUDE * np.sin(2 * np.pi * FREQUENCY * time) * (0.5 - 0.5 * np.cos(np.pi * ramp))).astype(np.float32)


def _pause(rate: int) -> Samples:
    return np.zeros((round(PAUSE_S * rate), 2), np.float32)
