"""What a live report states about the computer and its audio devices."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sepprune.bench.facts import Fact, machine_facts

from .events import Ready
from .protocol import NONE


def live_facts(ready: Ready, root: Path = Path("/")) -> dict[str, Fact]:
    """Facts about the machine as in the report of ``sepprune bench``, and about the audio devices in use.

    Args:
        ready: of the engine.
        root: folder in which ``proc`` and ``sys`` of Linux are read, for tests.
    """
    input_file, no_output = not ready.driver_in_ms, ready.output == NONE  # a driver states more than 0 ms
    return {
        **machine_facts(root),
        "input_device": _fact(None if input_file else ready.input_name, "", "the input is a file"),
        "input_rate": _fact(None if input_file else ready.input_rate, "Hz", "the input is a file"),
        "output_device": _fact(None if no_output else ready.output_name, "", "there is no output"),
        "output_rate": _fact(ready.output_rate or None, "Hz", "there is no output"),
        "engine_priority": _fact(ready.priority, "", ""),
        "sounddevice": _fact(_installed("sounddevice"), "", "not installed"),
    }


def _fact(value: str | int | None, unit: str, absent: str) -> Fact:
    return {"value": value, "unit": unit, "why_missing": absent if value is None else None}


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
