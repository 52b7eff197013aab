"""The verdict says what the chunks show and no more; warnings name what makes times less trustworthy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sepprune.bench.facts import Fact, Value, machine_facts
from sepprune.bench.rows import Row, row_of
from sepprune.bench.times import Contender
from sepprune.bench.verdict import best_rows, cannot_say, safe_rows, verdict, warnings
from tests.bench.virtual import block


def row(
    level: int = 0,
    chunk_ms: float = 8.0,
    chunks: int = 3000,
    misses: int = 0,
    backend: str = "openvino",
    time_ms: float = 1.0,
    wait_ms: float = 0.0,
    paced: bool = True,
) -> Row:
    """A row whose chunks all take ``time_ms``, except for the misses."""
    times = [time_ms] * (chunks - misses) + [chunk_ms + 1] * misses
    contender = Contender(level, backend, "fp32", 1)
    return row_of(contender, [block(times, wait_ms)], chunk_ms, paced, 1e6, soak=False)


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, Fact]:
    """Facts of a machine that says nothing about itself."""
    return machine_facts(tmp_path)


def known(machine: dict[str, Fact], **values: Value) -> dict[str, Fact]:
    return machine | {name: {"value": value, "unit": "", "why_missing": None} for name, value in values.items()}


@pytest.mark.parametrize(
    ("source", "begin"),
    [("mains", "On mains this machine"), ("battery", "On battery this machine"), (None, "This machine")],
)
def test_the_verdict_names_power_level_chunk_and_bound(
    machine: dict[str, Fact], source: str | None, begin: str
) -> None:
    facts = machine if source is None else known(machine, power_source=source)
    assert verdict([row()], facts) == f"{begin} runs level 0 at 8 ms with fewer than 1 miss in 1,000 chunks (95 %)."


def test_the_verdict_names_the_densest_level_of_each_shorter_chunk(machine: dict[str, Fact]) -> None:
    rows = [row(0, 8), row(4, 8), row(0, 4, misses=40), row(4, 4), row(0, 16)]
    assert "runs level 4 at 4 ms and level 0 at 8 ms with" in verdict(rows, machine)


def test_too_few_chunks_are_not_called_safe(machine: dict[str, Fact]) -> None:
    assert safe_rows([row(chunks=2999)]) == []
    assert verdict([row(chunks=750)], machine) == (
        "This machine ran level 0 at 8 ms without a miss in 750 chunks. That shows fewer than 1 miss in 250 (95 %); "
        "safe means fewer than 1 in 1,000, which takes 3,000 chunks."
    )


def test_misses_everywhere_are_said(machine: dict[str, Fact]) -> None:
    assert verdict([row(0, misses=30), row(7, misses=3)], machine) == (
        "This machine runs no level without misses. The fewest were 3 in 3,000 chunks, with level 7 at 8 ms: "
        "up to 0.3% of the chunks (95 %)."
    )


def test_one_miss_is_not_called_misses(machine: dict[str, Fact]) -> None:
    assert "The fewest was 1 in 3,000 chunks, with" in verdict([row(misses=1)], machine)
    assert "without a miss in 1 chunk. " in verdict([row(chunks=1)], machine)


def test_there_is_no_verdict_without_paced_rows(machine: dict[str, Fact]) -> None:
    assert "no verdict" in verdict([row(paced=False)], machine)


def test_the_backend_is_chosen_by_its_median_and_not_by_its_misses() -> None:
    fast, slow = row(misses=2, time_ms=1.0), row(backend="torch", time_ms=2.0)
    assert best_rows([slow, fast]) == [fast]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"power_source": "battery"}, {"power_source": "battery"}, "on battery during the run"),
        ({"power_source": "mains"}, {"power_source": "battery"}, "on battery for a part of the run"),
        ({"power_mode": "low-power"}, {}, "power mode is low-power"),
        ({"governor": "powersave", "frequency_driver": "acpi-cpufreq"}, {}, "governor is powersave"),
        ({"load": 1.7}, {}, "(load 1.7)"),
        ({"virtual_machine": True}, {}, "virtual machine"),
        ({"throttle_events": 4}, {"throttle_events": 6}, "2 times during the run"),
        ({"throttle_events": 4}, {"throttle_events": 5}, "down 1 time during the run"),
    ],
)
def test_the_state_of_the_machine_is_warned_of(
    machine: dict[str, Fact], before: dict[str, Value], after: dict[str, Value], words: str
) -> None:
    quiet = known(machine, load=0.0)
    assert warnings([row()], quiet, quiet, False) == []
    [text] = warnings([row()], known(quiet, **before), known(quiet, **after), False)
    assert words in text


def test_steady_rows_are_rarely_taken_for_a_drift_however_many_they_are(machine: dict[str, Fact]) -> None:
    random, facts, contender = np.random.default_rng(0), known(machine, load=0.0), Contender(0, "openvino", "fp32", 1)
    warned = 0
    for _ in range(20):
        drawn = random.lognormal(0, 0.3, (16, 12, 64))
        rows = [row_of(contender, [block(one) for one in some], 8.0, True, 1e6, soak=False) for some in drawn]
        warned += bool(warnings(rows, facts, facts, False))
    assert warned <= 1


def test_a_powersave_governor_of_a_driver_that_scales_is_no_warning(machine: dict[str, Fact]) -> None:
    facts = known(machine, load=0.0, governor="powersave", frequency_driver="intel_pstate")
    assert warnings([row()], facts, facts, False) == []


def test_rows_with_too_few_chunks_or_late_starts_are_warned_of(machine: dict[str, Fact]) -> None:
    facts = known(machine, load=0.0)
    assert "too few chunks for a p99" in warnings([row(chunks=300)], facts, facts, False)[0]
    assert "started a chunk late" in warnings([row(wait_ms=1.0)], facts, facts, False)[0]


def test_one_row_is_not_called_rows(machine: dict[str, Fact]) -> None:
    texts = warnings([row(chunks=100, wait_ms=2.0)], machine, machine, False)
    assert "1 of 1 row has too few chunks for a p99 (368 are needed), so it is not stated." in texts
    assert any(text.startswith("In 1 row the program") for text in texts)


def test_the_quick_mode_says_what_it_cannot_say() -> None:
    texts = " ".join(cannot_say([row(chunks=750)], quick=True))
    for words in ("leave out --quick", "rarer than 1 in 250", "p99.9", "--soak 5", "--round-trip"):
        assert words in texts


def test_a_full_run_does_not_excuse_what_it_has() -> None:
    assert not any("--quick" in text or "p99.9" in text for text in cannot_say([row(chunks=7500)], quick=False))


@pytest.mark.parametrize(("load", "begin"), [(1, "Beside a busy process, on mains"), (3, "Beside 3 busy processes,")])
def test_the_verdict_names_busy_processes(machine: dict[str, Fact], load: int, begin: str) -> None:
    assert verdict([row()], known(machine, power_source="mains"), load).startswith(begin)


def test_a_run_without_load_says_that_it_tells_nothing_about_load() -> None:
    assert any("--load 2" in text for text in cannot_say([row()], quick=False))
    assert any("leave out --load" in text for text in cannot_say([row()], quick=False, load=2))
