"""What every method keeps: replay, void attempts, and questions that say nothing about conditions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from sepprune.study.design import ABX, MUSHRA, PREFERENCE, RATING, REFERENCE, THRESHOLD
from sepprune.study.listeners import simulated
from sepprune.study.methods import CONTROL, TEST, TRAINING, Answer, Question, method_named
from tests.study.studies import small_design

METHODS = (ABX, PREFERENCE, MUSHRA, RATING, THRESHOLD)


def drawn(method: str, seed: int = 0, **settings: object) -> tuple[Question, ...]:
    design = small_design(method, (0, 2, 4, 6), **settings)  # type: ignore[arg-type]  # forwarded
    return method_named(method).draw(design, np.random.default_rng(seed))


def counts(order: tuple[Question, ...]) -> Counter[str]:
    return Counter(question.phase for question in order)


@pytest.mark.parametrize("name", METHODS)
def test_equal_seeds_give_equal_orders_and_others_do_not(name: str) -> None:
    assert drawn(name, 1) == drawn(name, 1) != drawn(name, 2)


@pytest.mark.parametrize("name", METHODS)
def test_a_session_asks_every_question_once_and_ends(name: str) -> None:
    design, method = small_design(name, (0, 2, 4, 6)), method_named(name)
    order, rng, answers = method.draw(design, np.random.default_rng(3)), np.random.default_rng(4), list[Answer]()
    listener = simulated("threshold=3")
    while (asked := method.following(design, order, answers)) is not None:
        assert asked.position == len(answers)
        assert asked == method.following(design, order, answers)
        answers.append(listener.answer(design, method, asked, 0.0, rng))
    assert len(answers) == len(order)


@pytest.mark.parametrize("name", METHODS)
def test_a_void_attempt_is_asked_again_and_counts_for_nothing(name: str) -> None:
    design, method = small_design(name, (0, 2, 4, 6)), method_named(name)
    order = method.draw(design, np.random.default_rng(5))
    first = method.following(design, order, [])
    again = method.following(design, order, [Answer(0, void="1 underrun")])
    assert first is not None and again is not None
    assert (again.position, again.attempt, again.question.item) == (0, 1, first.question.item)
    assert set(again.question.conditions) == set(first.question.conditions)


def test_void_attempts_draw_sides_and_x_again() -> None:
    design, method = small_design(ABX), method_named(ABX)
    order = method.draw(design, np.random.default_rng(5))
    seen = set()
    for attempt in range(40):
        asked = method.following(design, order, [Answer(0, void="again")] * attempt)
        assert asked is not None
        seen.add((asked.question.conditions, asked.question.target))
    assert len(seen) == 4


def test_abx_asks_sixteen_trials_of_every_comparison_with_eight_controls() -> None:
    order = drawn(ABX)
    assert counts(order) == {TRAINING: 3, CONTROL: 8, TEST: 48}
    pairs = Counter(frozenset(one.conditions) for one in order if one.phase == TEST)
    assert set(pairs.values()) == {16}
    assert all("level-0" in pair for pair in pairs)


def test_abx_draws_sides_and_x_fairly() -> None:
    orders = [one for seed in range(60) for one in drawn(ABX, seed)]
    targets = np.mean([one.target == 0 for one in orders])
    sides = np.mean([one.conditions[0] == "level-0" for one in orders])
    both = np.mean([(one.target == 0) == (one.conditions[0] == "level-0") for one in orders])
    assert [targets, sides, both] == pytest.approx([0.5] * 3, abs=0.03)


def test_items_come_equally_often() -> None:
    items = Counter(one.item for one in drawn(ABX) if one.phase == TEST)
    assert max(items.values()) - min(items.values()) <= 3


def test_open_ended_abx_passes_over_comparisons_that_are_decided() -> None:
    design, method = small_design(ABX, (0, 2, 4), open_ended=True), method_named(ABX)
    order, answers = method.draw(design, np.random.default_rng(0)), list[Answer]()
    rng = np.random.default_rng(1)
    while (asked := method.following(design, order, answers)) is not None:
        answers.append(simulated("perfect").answer(design, method, asked, 0.0, rng))
    tested = Counter(frozenset(order[one.position].conditions) for one in answers if order[one.position].phase == TEST)
    assert all(5 <= count <= 12 for count in tested.values())
    assert sum(order[one.position].phase == CONTROL for one in answers) == 8


def test_thresholds_ask_heavier_levels_of_who_hears_nothing() -> None:
    design, method = small_design(THRESHOLD, (0, 1, 2, 3, 4, 5, 6, 7)), method_named(THRESHOLD)
    order, asked_levels = method.draw(design, np.random.default_rng(0)), list[int]()
    answers, rng = list[Answer](), np.random.default_rng(1)
    while (asked := method.following(design, order, answers)) is not None:
        if asked.question.phase == TEST:
            heavy = next(name for name in asked.question.conditions if name != "level-0")
            asked_levels.append(int(heavy.removeprefix("level-")))
        answers.append(simulated("guess").answer(design, method, asked, 0.0, rng))
    assert len(asked_levels) == 40
    assert np.mean(asked_levels[20:]) > 5


def test_mushra_pages_hold_the_hidden_reference_and_both_anchors_on_random_labels() -> None:
    order = drawn(MUSHRA)
    assert counts(order) == {TRAINING: 1, TEST: 6}
    assert len({one.item for one in order if one.phase == TEST}) == 6
    assert all(set(one.conditions) == set(order[0].conditions) and REFERENCE in one.conditions for one in order)
    assert len({one.conditions.index(REFERENCE) for seed in range(20) for one in drawn(MUSHRA, seed)}) == 7


def test_ratings_ask_each_question_in_a_pass_of_its_own_in_either_order() -> None:
    firsts: Counter[str] = Counter()
    for seed in range(40):
        topics = [one.topic for one in drawn(RATING, seed)]
        assert topics == sorted(topics, reverse=topics[0] == "voice")
        firsts[topics[0]] += 1
    assert min(firsts["voice"], firsts["other"]) >= 10


def test_an_answer_to_abx_is_right_where_it_names_what_x_is() -> None:
    design, method = small_design(ABX), method_named(ABX)
    asked = method.following(design, method.draw(design, np.random.default_rng(0)), [])
    assert asked is not None
    for target, choice, value in ((0, "A", 1.0), (0, "B", 0.0), (1, "A", 0.0), (1, "B", 1.0)):
        question = replace(asked.question, target=target)
        outcomes = method.outcomes(replace(asked, question=question), Answer(asked.position, choice))
        assert [one.value for one in outcomes] == [value, value]


def test_no_preference_is_one_half_for_both() -> None:
    design, method = small_design(PREFERENCE), method_named(PREFERENCE)
    asked = method.following(design, method.draw(design, np.random.default_rng(0)), [])
    assert asked is not None
    for choice, values in (("A", [1.0, 0.0]), ("none", [0.5, 0.5]), ("B", [0.0, 1.0])):
        assert [one.value for one in method.outcomes(asked, Answer(0, choice))] == values
