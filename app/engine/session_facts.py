"""What ``session.json`` of a recording states about the engine that recorded."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from .events import Ready
from .protocol import Settings


def session_facts(settings: Settings, ready: Ready, voices: Sequence[str] = ()) -> dict[str, object]:
    """Settings and engine as plain data.

    Args:
        settings: what the engine does now, with the controls that are applied.
        ready: the engine's own description.
        voices: names that the user gave the voices; empty where there are none.

    Returns:
        ``settings`` and ``engine``, in the layout that readers of ``session.json`` expect; and ``voices`` where they
        have names.
    """
    controls = settings.controls
    engine = {
        key: value for key, value in dataclasses.asdict(ready).items() if key not in ("ladder", "input", "output")
    }
    named = {"voices": {f"voice{number}": name for number, name in enumerate(voices, start=1)}} if voices else {}
    return {
        **named,
        "settings": {
            "input": settings.input,
            "output": settings.output,
            "level": controls.level,
            "ladder": settings.ladder,
            "chunk_ms": settings.chunk_ms,
            "routing": controls.routing,
            "backend": settings.backend,
            "loop_file": controls.loop,
            "gain_db": controls.gain_db,
            "fallback": controls.fallback,
            "precision": settings.precision,
            "remeasure": settings.remeasure,
            "threads": settings.threads,
        },
        "engine": {
            "ladder": [
                {
                    "level": level.level,
                    "params": level.params,
                    "macs_per_second": level.macs_per_second,
                    "si_sdri": dict(level.si_sdri) or None,
                }
                for level in ready.ladder
            ],
            **engine,
        },
    }
