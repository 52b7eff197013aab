"""A picture of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files import whole_file
from .settings import OURS

_ACCENT = "#1f6f8b"
_TITLES = {"pruned": "before fine-tuning", "tuned": "after {updates} updates of fine-tuning"}


def draw(report: dict[str, Any], path: Path) -> None:
    """Write a PNG with one dot per seed and a bar at the mean, by method, reduction and stage.

    Args:
        report: of :func:`~sepprune.comparison.report.report_of`.
        path: of the PNG file.
    """
    from matplotlib.figure import Figure

    reductions = sorted(report["reductions"])
    figure = Figure(figsize=(3.2 * len(reductions) + 1, 6.5), dpi=130, layout="constrained")
    panels = figure.subplots(2, len(reductions), squeeze=False, sharey="row")
    for row, stage in enumerate(_TITLES):
        for axes, reduction in zip(panels[row], reductions, strict=True):
            cells = [cell for cell in report["cells"] if (cell["stage"], cell["reduction"]) == (stage, reduction)]
            _panel(axes, cells, report["methods"], report["dense"])
            axes.set_title(f"{reduction:.0%} fewer MACs, {_TITLES[stage].format(**report)}", fontsize=8)
        panels[row][0].set_ylabel("SI-SDR improvement (dB)", fontsize=8)
    with whole_file(path) as file:
        figure.savefig(file, format="png")


def _panel(axes: Any, cells: Sequence[dict[str, Any]], methods: Sequence[str], dense: float) -> None:
    """One panel, with the methods from best to worst."""
    scores = {method: [cell["si_sdri"] for cell in cells if cell["method"] == method] for method in methods}
    shown = sorted(
        (method for method in methods if scores[method]), key=lambda method: -sum(scores[method]) / len(scores[method])
    )
    for place, method in enumerate(shown):
        values, colour = scores[method], _ACCENT if method == OURS else "#9a9a9a"
        mean = sum(values) / len(values)
        axes.plot([place - 0.3, place + 0.3], [mean, mean], color=colour, linewidth=3, solid_capstyle="butt")
        axes.plot([place] * len(values), values, "o", color=colour, markersize=3.5, alpha=0.7)
        axes.annotate(
            f"{mean:.2f}",
            (place, max(values)),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=6.5,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
        )
    axes.axhline(dense, color="#444444", linewidth=0.8, linestyle=":")
    axes.annotate(
        "dense",
        (1, dense),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 2),
        textcoords="offset points",
        ha="right",
        fontsize=6.5,
        color="#444444",
    )
    axes.set_xticks(range(len(shown)), shown, rotation=45, ha="right", fontsize=7)
    axes.set_xlim(-0.7, max(len(shown), 2) - 0.3)
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(axis="y", alpha=0.3)
    axes.margins(y=0.15)
    axes.spines[["top", "right"]].set_visible(False)
