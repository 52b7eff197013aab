"""The chart of ``sepprune bench``: chunk time against multiply-adds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .times import Report, Row, contender_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot(report: Report, path: str | os.PathLike[str]) -> None:
    """Draw median chunk time against multiply-adds, one panel for each chunk duration, the floors in black.

    Args:
        report: of :func:`~.times.bench`.
        path: PNG file to write.

    Raises:
        OSError, ValueError: the file cannot be written, or its ending is no picture format.
    """
    from matplotlib.figure import Figure

    durations = sorted({row["chunk_ms"] for row in report["rows"]})
    figure = Figure(figsize=(5.5 * len(durations), 4.5), layout="constrained")
    for axes, duration in zip(np.atleast_1d(figure.subplots(1, len(durations))), durations, strict=True):
        _draw(axes, [row for row in report["rows"] if row["chunk_ms"] == duration])
        axes.set_title(f"{duration:g} ms chunks")
    handles, labels = axes.get_legend_handles_labels()
    columns = min(2, len(durations))  # below one plot there is no room for two
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, fontsize="small")  # inside it hides lines
    figure.suptitle(report["machine"]["processor"])
    figure.savefig(Path(path), dpi=120)


def _draw(axes: Axes, rows: list[Row]) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    for name in dict.fromkeys(contender_name(row) for row in rows):
        line = sorted((row for row in rows if contender_name(row) == name), key=lambda row: row["macs_per_second"])
        axes.plot([row["macs_per_second"] / 1e6 for row in line], [row["p50_ms"] for row in line], "o-", label=name)
    floor = sorted({(row["macs_per_second"] / 1e6, row["floor_ms"]) for row in rows if row["floor_ms"] is not None})
    if floor:
        axes.plot(*zip(*floor, strict=True), "ks--", label="floor: bare matrix products")
    cold = sorted({(row["macs_per_second"] / 1e6, row["cold_floor_ms"]) for row in rows if row["precision"] == "fp32"})
    if cold:
        axes.plot(*zip(*cold, strict=True), "k^:", label="cold floor: fp32 weights read from memory, as at live pace")
    axes.set(
        xlabel="million multiply-adds per second of audio",
        ylabel="median chunk time (ms)",
        xscale="log",
        yscale="log",
    )
    axes.xaxis.set(
        minor_locator=NullLocator(),
        major_locator=FixedLocator(sorted({row["macs_per_second"] / 1e6 for row in rows})),
        major_formatter=FuncFormatter(lambda cost, _: f"{cost:.0f}"),
    )
    axes.yaxis.set(
        minor_locator=NullLocator(),
        major_locator=LogLocator(subs=(1, 2, 5)),
        major_formatter=FuncFormatter(lambda value, _: f"{value:g}"),
    )
    axes.grid(alpha=0.3)
