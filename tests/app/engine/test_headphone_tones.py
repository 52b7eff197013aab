"""Tones of the headphone check: softest at the ears with headphones, and cancelled in the air."""

from __future__ import annotations

import numpy as np
import pytest

from app.engine.headphone_tones import QUESTIONS, TONES, ToneQuestion, place_at, tone_questions

RATE = 16_000


def softest(channel: np.ndarray) -> int:
    seconds = np.arange(len(channel)) / RATE
    places = np.array([-1 if place_at(second) is None else place_at(second) for second in seconds])
    return int(np.argmin([np.mean(channel[places == place] ** 2) for place in range(TONES)]))


@pytest.mark.parametrize("question", tone_questions(1, RATE))
def test_each_ear_finds_the_soft_tone_and_the_air_hides_another(question: ToneQuestion) -> None:
    left, right = question.sound.T
    assert softest(left) == softest(right) == question.softest
    assert softest(left + right) == question.antiphase != question.softest


def test_all_places_are_drawn() -> None:
    drawn = [one for seed in range(20) for one in tone_questions(seed, 8_000)]
    assert len(drawn) == 20 * QUESTIONS
    assert {(one.softest, one.antiphase) for one in drawn} == {(a, b) for a in range(3) for b in range(3) if a != b}


def test_tones_begin_and_end_without_a_click() -> None:
    assert np.abs(np.diff(tone_questions(0, RATE)[0].sound, axis=0)).max() < 0.25 * 2 * np.pi * 200 / RATE * 1.1
