"""Results of a comparison as plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

from .settings import OURS, ComparisonSettings


def best_rivals(tuned: Sequence[dict[str, Any]], count: int) -> list[str]:
    """The rivals with the highest mean score after fine-tuning, best first."""
    means = {row["method"]: row["si_sdri"] for row in summary(tuned)}
    return sorted((method for method in means if method != OURS), key=lambda method: -means[method])[:count]


def summary(cells: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows ``{stage, method, reduction, si_sdri, deviation, seeds}``: mean and standard deviation over the seeds."""
    groups: dict[tuple[str, str, float], list[float]] = defaultdict(list)
    for cell in cells:
        groups[cell["stage"], cell["method"], cell["reduction"]].append(cell["si_sdri"])
    return [
        {
            "stage": stage,
            "method": method,
            "reduction": reduction,
            "si_sdri": fmean(scores),
            "deviation": stdev(scores) if len(scores) > 1 else 0.0,
            "seeds": len(scores),
        }
        for (stage, method, reduction), scores in groups.items()
    ]


def report_of(
    settings: ComparisonSettings, dense: dict[str, float], cells: Sequence[dict[str, Any]], finalists: Sequence[str]
) -> dict[str, Any]:
    """The comparison as one JSON object.

    Keys: ``dense`` and ``dense_by_condition`` (SI-SDR improvement in dB before pruning), ``methods``, ``reductions``,
    ``tuned_reduction``, ``finalists``, ``updates``, ``mask_steps``, ``rows`` (see :func:`summary`), ``cells`` (every
    single score), and ``margins``: by stage and reduction, the lead of SepPrune over the best rival in dB.
    """
    rows = summary(cells)
    return {
        "dense": fmean(dense.values()),
        "dense_by_condition": dense,
        "methods": list(settings.methods),
        "reductions": list(settings.reductions),
        "tuned_reduction": settings.tuned_reduction,
        "finalists": list(finalists),
        "updates": settings.updates,
        "mask_steps": settings.mask_steps,
        "rows": rows,
        "margins": _margins(rows),
        "cells": list(cells),
    }


def _margins(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    margins = []
    for stage, reduction in dict.fromkeys((row["stage"], row["reduction"]) for row in rows):
        scores = {
            row["method"]: row["si_sdri"] for row in rows if (row["stage"], row["reduction"]) == (stage, reduction)
        }
        rival = max((method for method in scores if method != OURS), key=scores.__getitem__, default=None)
        if rival is not None and OURS in scores:
            margins.append(
                {"stage": stage, "reduction": reduction, "rival": rival, "margin": scores[OURS] - scores[rival]}
            )
    return margins
