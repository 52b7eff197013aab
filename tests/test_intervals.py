"""Intervals of mean scores: they hold the true mean as often as they say, where speakers are heard again, too."""

from __future__ import annotations

import numpy as np
import pytest

from sepprune.intervals import mean_interval

RUNS = 400


def held(speakers: int, mixtures: int, known: bool) -> float:
    """Share of runs in which the interval holds the true mean; how hard a voice is varies from speaker to speaker."""
    random = np.random.default_rng(0)
    count = 0
    for _ in range(RUNS):
        hardness = random.normal(0, 2, speakers)
        pairs = [random.choice(speakers, 2, replace=False) for _ in range(mixtures)]
        scores = [5 + hardness[pair].sum() + random.normal(0, 1.5) for pair in pairs]
        interval = mean_interval(scores, [frozenset(map(str, pair)) for pair in pairs] if known else None)
        assert interval is not None
        count += interval[0] < 5 < interval[1]
    return count / RUNS


@pytest.mark.parametrize(("speakers", "mixtures"), [(60, 80), (20, 40)])
def test_with_known_speakers_it_holds_the_true_mean_in_about_95_percent_of_runs(speakers: int, mixtures: int) -> None:
    assert 0.92 <= held(speakers, mixtures, known=True) <= 0.98


def test_without_them_it_is_too_narrow() -> None:
    assert held(20, 40, known=False) < 0.75


def test_it_is_close_to_students_where_no_speaker_is_heard_twice() -> None:
    scores = np.random.default_rng(1).normal(5, 2, 40).tolist()
    apart = [frozenset({f"a{index}", f"b{index}"}) for index in range(40)]
    independent, by_speaker = mean_interval(scores), mean_interval(scores, apart)
    assert independent is not None and by_speaker is not None
    assert by_speaker == pytest.approx(independent, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_never_narrower_than_with_independent_mixtures(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(0, 1, 12).tolist()
    speakers = [frozenset(map(str, random.choice(5, 2, replace=False))) for _ in scores]
    independent, by_speaker = mean_interval(scores), mean_interval(scores, speakers)
    assert independent is not None and by_speaker is not None
    assert by_speaker[0] <= independent[0] and independent[1] <= by_speaker[1]


@pytest.mark.parametrize("values", [[], [1.0]])
def test_fewer_than_two_scores_have_no_interval(values: list[float]) -> None:
    assert mean_interval(values, [frozenset({"a", "b"})] * len(values)) is None


def test_one_pair_of_speakers_has_an_interval() -> None:
    assert mean_interval([1.0, 2.0, 3.0], [frozenset({"a", "b"})] * 3) is not None
