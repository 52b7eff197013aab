"""A picture of what claims.py found, from the JSON files beside this one.

python docs/claims/charts.py
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

HERE = Path(__file__).parent
OURS, SCRATCH, DENSE, JOINT = "#1f6f8b", "#c9a227", "#777777", "#b5524a"


def read(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))


def line(axes: Axes, jobs: list[dict[str, Any]], x: str, **style: Any) -> None:
    jobs = sorted(jobs, key=lambda job: job[x])
    axes.plot([job[x] for job in jobs], [job["si_sdri"] for job in jobs], marker="o", **style)


def dense_line(axes: Axes, found: dict[str, Any]) -> None:
    axes.axhline(found["dense"]["si_sdri"], color=DENSE, linestyle="--", linewidth=1, label="dense")


def tuned_by(method: str, found: dict[str, Any]) -> list[dict[str, Any]]:
    """Jobs of one method, and the cut alone, from which all start."""
    return [job for job in found["jobs"] if job["method"] == method or not job["epochs"]]


def finetuning(axes: Axes) -> None:
    found = read("finetuning")
    for method, style, label in (
        ("batch-1", "-", "Muon and hints, batch 1"),
        ("hints", "--", "Muon and hints"),
        ("muon", "-.", "Muon"),
        ("adam", ":", "Adam"),
    ):
        line(axes, tuned_by(method, found), "epochs", color=OURS, linestyle=style, label=f"masks first: {label}")
    line(axes, read("joint")["jobs"], "epochs", color=JOINT, linestyle=":", label="masks and weights together: Adam")
    dense_line(axes, found)
    axes.set(title="40 % fewer parameters", xlabel="epochs of training after the cut")
    axes.set_ylim(bottom=2)  # the ways of fine-tuning are close to each other


def scratch(axes: Axes) -> None:
    tuned = read("finetuning")
    epoch = tuned["epoch_hours"]
    with open(HERE / "scratch-long.csv", newline="", encoding="utf-8") as file:
        rows = [(float(row["audio_hours"]) / epoch, float(row["si_sdri"])) for row in csv.DictReader(file)]
    axes.plot(*zip(*rows, strict=True), color=SCRATCH, marker="o", label="from fresh weights, one run")
    line(axes, tuned_by("batch-1", tuned), "epochs", color=OURS, label="SepPrune, then fine-tuned for one epoch")
    dense_line(axes, tuned)
    axes.set(title="40 % fewer parameters, both by Muon", xlabel="epochs of training")


def steps(axes: Axes) -> None:
    found = read("steps")
    for epochs, label, colour in ((0.1, "after 0.1 epoch of fine-tuning", OURS), (0, "as cut", SCRATCH)):
        line(axes, [job for job in found["jobs"] if job["epochs"] == epochs], "mask_steps", color=colour, label=label)
    dense_line(axes, found)
    axes.set(title="60 % fewer multiply-adds", xlabel="updates of the masks")


def front(axes: Axes) -> None:
    _front(axes, lambda level, job: job["macs_per_second"] / 1e6)
    axes.set(title="levels by computation", xlabel="million multiply-adds per second of audio")


def front_in_time(axes: Axes) -> None:
    """The same models by what a chunk of them takes, which their shapes alone decide."""
    rows = json.loads((HERE.parent / "bench.json").read_text(encoding="utf-8"))["rows"]
    times = {
        row["level"]: row["p50_ms"]
        for row in rows
        if (row["backend"], row["precision"], row["chunk_ms"]) == ("openvino", "fp32", 8.0)
    }
    _front(axes, lambda level, job: times[level])
    axes.set(title="levels by time", xlabel="median chunk time (ms, chunks of 8 ms, one thread, fp32)")


def _front(axes: Axes, x_of: Callable[[int, dict[str, Any]], float]) -> None:
    found = read("front")
    for start, label, colour, style in (
        ("shipped", "the ladder that ships", OURS, "-"),
        ("pruned", "pruned, half an epoch of fine-tuning", OURS, "--"),
        ("scratch", "half an epoch from fresh weights", SCRATCH, "--"),
    ):
        jobs = [job | {"x": x_of(job["keep"], job)} for job in found["jobs"] if job["start"] == start]
        line(axes, jobs, "x", color=colour, linestyle=style, label=label)
    axes.plot([x_of(0, found["dense"])], [found["dense"]["si_sdri"]], "s", color=DENSE, label="dense")


def main() -> None:
    draws = (finetuning, scratch, steps, front, front_in_time)
    figure = Figure(figsize=(10, 12), dpi=130, layout="constrained")
    *panels, empty = figure.subplots(3, 2).flat
    empty.set_axis_off()
    for axes, draw in zip(panels, draws, strict=True):
        draw(axes)
        if axes.get_autoscaley_on():
            axes.set_ylim(bottom=0)
        axes.set_ylabel("SI-SDR improvement, validation speakers (dB)")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    figure.savefig(HERE / "claims.png")


if __name__ == "__main__":
    main()
