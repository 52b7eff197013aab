"""What a calibration found, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any


def summary(trials: Sequence[dict[str, Any]]) -> str:
    """Which backend and precision computes which levels.

    Args:
        trials: of :class:`~app.engine.events.Calibrated`.

    >>> trial = {"level": 0, "backend": "openvino", "precision": "fp32", "p50_ms": 0.2, "chosen": True}
    >>> summary([trial, {**trial, "level": 1, "p50_ms": 0.1}])
    'levels 0 to 1 openvino fp32 (0.20 to 0.10 ms)'
    """
    chosen = sorted((trial for trial in trials if trial["chosen"]), key=lambda trial: trial["level"])
    parts = []
    for (backend, precision), group in groupby(chosen, key=lambda trial: (trial["backend"], trial["precision"])):
        *_, last = rows = list(group)
        first = rows[0]
        levels = f"level {first['level']}" if first is last else f"levels {first['level']} to {last['level']}"
        times = f"{first['p50_ms']:.2f}" + ("" if first is last else f" to {last['p50_ms']:.2f}")
        parts.append(f"{levels} {backend} {precision} ({times} ms)")
    return ", ".join(parts)
