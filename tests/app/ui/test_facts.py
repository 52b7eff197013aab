import math

import pytest

from app.engine.facts import LevelFacts
from app.ui.facts import duration, fact_rows, milliseconds, percent, quantity, rates, sentence, signed
from tests.app.ui.engine_double import LADDER


def test_a_ladder_without_measured_quality_has_facts():
    assert [name for name, _, _ in fact_rows([LevelFacts(0, 10, 5.0, 1.0, {})], 0, {})] == [
        "Multiply-adds",
        "Parameters",
        "Chunk time here",
    ]


def test_a_level_is_compared_with_dense():
    rows = {name: (value, compared) for name, value, compared in fact_rows(LADDER, 2, {0: 2.0, 2: 1.0})}
    assert rows["Multiply-adds"] == ("99.0 M/s", "55 %")
    assert rows["Chunk time here"] == ("1.00 ms", "50 %")
    assert rows["SI-SDRi, clean"] == ("6.5 dB", "−0.6 dB")


def test_what_was_not_measured_is_a_dash():
    rows = {name: (value, compared) for name, value, compared in fact_rows(LADDER, 2, {2: 1.0})}
    assert rows["Chunk time here"] == ("1.00 ms", "–")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (999, "999"),
        (1234, "1.23 k"),
        (98_700, "98.7 k"),
        (1.2e6, "1.20 M"),
        (180e6, "180 M"),
        (2.5e9, "2.50 G"),
    ],
)
def test_quantities_have_three_digits(value, text):
    assert quantity(value) == text


@pytest.mark.parametrize(
    ("way", "text"),
    [
        ((48_000, 16_000, 44_100), "48000 → 16000 → 44100 Hz"),
        ((48_000, 16_000, 0), "48000 → 16000 Hz"),
        ((16_000, 16_000, 16_000), "16000 Hz"),
    ],
)
def test_only_changes_of_the_sample_rate_are_named(way, text):
    assert rates(*way) == text


def test_units_and_signs():
    assert (milliseconds(0.946), milliseconds(12.34), milliseconds(math.nan)) == ("0.95 ms", "12.3 ms", "–")
    assert (percent(0.5), percent(0.051), percent(math.nan)) == ("50 %", "5.1 %", "–")
    assert (signed(-0.04), signed(0.26), signed(-1.0)) == ("±0.0", "+0.3", "−1.0")
    assert (duration(7), duration(127)) == ("0:07", "2:07")


def test_a_message_becomes_a_sentence_with_a_capital_letter():
    assert (sentence("the file has ended"), sentence("")) == ("The file has ended", "")
