"""``session.json`` keeps its layout: programs read it."""

from __future__ import annotations

from app.engine.controls import Controls
from app.engine.events import Ready
from app.engine.facts import LevelFacts
from app.engine.protocol import Settings
from app.engine.session_facts import session_facts

LEVELS = (LevelFacts(0, 100, 5e6, 1.0, {"clean": 7.0}), LevelFacts(1, 50, 1e6, 0.2, {}))
READY = Ready(
    LEVELS,
    16_000,
    128,
    128,
    128,
    "openvino",
    "fp32",
    "demo",
    "none",
    "mixture.flac",
    "none",
    16_000,
    0,
    1.0,
    2.0,
    "high",
)


def test_settings_are_flat_and_hold_the_controls_that_are_applied() -> None:
    settings = Settings("demo", "none", controls=Controls(level=1, routing="split", gain_db=-3.0, loop=False))
    assert session_facts(settings, READY)["settings"] == {
        "input": "demo",
        "output": "none",
        "level": 1,
        "ladder": None,
        "chunk_ms": 8.0,
        "routing": "split",
        "backend": "auto",
        "loop_file": False,
        "gain_db": -3.0,
        "fallback": False,
        "precision": "auto",
        "remeasure": False,
        "threads": 1,
    }


def test_the_engine_is_described_with_its_ladder() -> None:
    assert session_facts(Settings("demo", "none"), READY)["engine"] == {
        "ladder": [
            {"level": 0, "params": 100, "macs_per_second": 5e6, "si_sdri": {"clean": 7.0}},
            {"level": 1, "params": 50, "macs_per_second": 1e6, "si_sdri": None},
        ],
        "sample_rate": 16_000,
        "chunk": 128,
        "hop": 128,
        "delay": 128,
        "backend": "openvino",
        "precision": "fp32",
        "input_name": "mixture.flac",
        "output_name": "none",
        "input_rate": 16_000,
        "output_rate": 0,
        "driver_in_ms": 1.0,
        "driver_out_ms": 2.0,
        "priority": "high",
        "resamplers_ms": 0.0,
        "threads": 1,
    }


def test_names_of_the_voices_are_there_where_the_user_gave_some() -> None:
    settings = Settings("demo", "none")
    assert session_facts(settings, READY, ("Anna", "Ben"))["voices"] == {"voice1": "Anna", "voice2": "Ben"}
    assert "voices" not in session_facts(settings, READY)
