"""Facts in a live report: the machine's, and the audio devices'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.engine.events import Ready
from app.engine.machine import live_facts

READY = Ready((), 16_000, 128, 128, 128, "openvino", "fp32", "demo", "none", "demo", "none", 48_000, 0)


def test_devices_in_use_are_facts(tmp_path: Path) -> None:
    names = {"input": "Mic, ALSA", "output": "Speaker, ALSA", "input_name": "Mic, ALSA", "output_name": "Speaker, ALSA"}
    facts = live_facts(replace(READY, **names, driver_in_ms=32.0, input_rate=44_100, output_rate=48_000), tmp_path)
    assert [facts[name]["value"] for name in ("input_device", "input_rate", "output_device", "output_rate")] == [
        "Mic, ALSA",
        44_100,
        "Speaker, ALSA",
        48_000,
    ]


def test_a_fact_is_missing_with_a_reason_and_never_zero(tmp_path: Path) -> None:
    facts = live_facts(READY, tmp_path)
    assert facts["output_rate"] == {"value": None, "unit": "Hz", "why_missing": "there is no output"}
    assert all(fact["value"] is not None or fact["why_missing"] for fact in facts.values())


def test_facts_of_the_machine_are_those_of_the_latency_report(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor : 0\nmodel name : Test CPU\n")
    assert live_facts(READY, tmp_path)["processor"]["value"] == "Test CPU"
