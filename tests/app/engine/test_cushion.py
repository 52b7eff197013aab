"""Sound waits as long as its arrival varies, and no longer."""

from __future__ import annotations

import pytest

from app.engine.cushion import CALM_S, LEAST_S, LONGEST_CALM_S, LONGEST_S, WINDOW_S, Cushion

CHUNK_S = 0.008


def after(cushion: Cushion, margin_s: float, seconds: float, start: float = 0.0) -> list[float]:
    """What it removes or inserts while every chunk has one margin."""
    found = []
    for chunk in range(1, round(seconds / CHUNK_S) + 1):
        cushion.note(margin_s)
        surplus = cushion.surplus(start + chunk * CHUNK_S)
        if surplus is not None:
            found.append(surplus)
    return found


def test_a_margin_that_is_wanted_changes_nothing() -> None:
    assert after(Cushion(CHUNK_S, 0.0), LEAST_S, 3 * CALM_S) == []


def test_near_a_gap_sound_is_inserted_within_a_window() -> None:
    [inserted] = after(Cushion(CHUNK_S, 0.0), LEAST_S / 4, WINDOW_S + CHUNK_S)
    assert inserted == pytest.approx(-0.75 * LEAST_S)


def test_what_is_spare_is_removed_after_calm_and_not_before() -> None:
    cushion = Cushion(CHUNK_S, 0.0)
    assert after(cushion, 0.02, CALM_S - WINDOW_S) == []
    assert after(cushion, 0.02, 2 * WINDOW_S, CALM_S - WINDOW_S) == [pytest.approx(0.02 - LEAST_S)]


def test_the_smallest_margin_of_calm_decides_what_is_spare() -> None:
    cushion = Cushion(CHUNK_S, 0.0)
    cushion.note(LEAST_S + 0.002)
    assert after(cushion, 0.05, CALM_S + WINDOW_S) == [pytest.approx(0.002)]


def test_each_gap_adds_a_chunk_up_to_a_limit() -> None:
    cushion = Cushion(CHUNK_S, 0.0)
    cushion.gap(0.0)
    assert cushion.chunks == 1 and cushion.wanted_s == pytest.approx(LEAST_S + CHUNK_S)
    for _ in range(100):
        cushion.gap(0.0)
    assert cushion.wanted_s + CHUNK_S < LONGEST_S


def test_calm_gives_up_two_thirds_of_what_gaps_have_added() -> None:
    cushion = Cushion(CHUNK_S, 0.0)
    for _ in range(6):
        cushion.gap(0.0)
    after(cushion, 0.06, CALM_S + WINDOW_S)
    assert cushion.chunks == 2


def test_gaps_after_removals_make_calm_longer_up_to_a_limit() -> None:
    cushion, now, waited = Cushion(CHUNK_S, 0.0), 0.0, []
    for _ in range(7):
        began = now
        while cushion.surplus(now) is None:
            now += CHUNK_S
            cushion.note(0.05)
        waited.append(round(now - began))
        cushion.gap(now)
    assert waited == pytest.approx([CALM_S * 2**count for count in range(6)] + [LONGEST_CALM_S], abs=WINDOW_S)


def test_where_nothing_is_played_nothing_changes() -> None:
    cushion = Cushion(CHUNK_S, 0.0)
    assert [cushion.surplus(float(second)) for second in range(60)] == [None] * 60
