"""Draws the results of the claims experiments into docs/pictures/claims.png.

python -m experiments.claims.chart
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..common import EXPERIMENTS, PICTURES, read_json, run_script
from .results import JobResult, Result, from_scratch, read

PRUNED, SCRATCH, DENSE, JOINT = "#1f6f8b", "#c9a227", "#777777", "#b5524a"
Point = tuple[float, float]


def line(axes: Axes, points: Sequence[Point], color: str, linestyle: str, label: str) -> None:
    """Draw points from left to right."""
    ordered = sorted(points)
    xs, ys = [x for x, _ in ordered], [y for _, y in ordered]
    axes.plot(xs, ys, marker="o", color=color, linestyle=linestyle, label=label)


def dense_line(axes: Axes, found: Result) -> None:
    """Draw the score of the dense level as a horizontal line."""
    axes.axhline(found["dense"]["si_sdri"], color=DENSE, linestyle="--", linewidth=1, label="dense")


def tuned_by(method: str, found: Result) -> list[Point]:
    """Epochs and scores of one method, with the untrained cut that all methods start from."""
    return [(job["epochs"], job["si_sdri"]) for job in found["jobs"] if job["method"] == method or not job["epochs"]]


def finetuning(axes: Axes) -> None:
    """Methods of fine-tuning after the cut."""
    found = read("finetuning")
    for method, style, label in (
        ("batch-1", "-", "Muon and hints, batch 1"),
        ("hints", "--", "Muon and hints"),
        ("muon", "-.", "Muon"),
        ("adam", ":", "Adam"),
    ):
        line(axes, tuned_by(method, found), PRUNED, style, f"masks first: {label}")
    together = [(job["epochs"], job["si_sdri"]) for job in read("joint")["jobs"]]
    line(axes, together, JOINT, ":", "masks and weights together: Adam")
    dense_line(axes, found)
    axes.set(title="40 % fewer parameters", xlabel="epochs of training after the cut")
    axes.set_ylim(bottom=2)  # the methods are close to each other


def scratch(axes: Axes) -> None:
    """Training from fresh weights against fine-tuning."""
    tuned = read("finetuning")
    line(axes, from_scratch(), SCRATCH, "-", "from fresh weights, one run")
    line(axes, tuned_by("batch-1", tuned), PRUNED, "-", "SepPrune, then one epoch of fine-tuning")
    dense_line(axes, tuned)
    axes.set(title="40 % fewer parameters, both with Muon", xlabel="epochs of training")


def steps(axes: Axes) -> None:
    """Number of mask updates."""
    found = read("steps")
    for epochs, label, colour in ((0.1, "after 0.1 epoch of fine-tuning", PRUNED), (0, "as cut", SCRATCH)):
        points = [(float(job["mask_steps"]), job["si_sdri"]) for job in found["jobs"] if job["epochs"] == epochs]
        line(axes, points, colour, "-", label)
    dense_line(axes, found)
    axes.set(title="60 % fewer multiply-adds", xlabel="mask updates")


def front_by_computation(axes: Axes) -> None:
    """Levels by multiply-adds."""
    found = read("front")
    _front(axes, found, found["dense"]["macs_per_second"] / 1e6, lambda level, job: job["macs_per_second"] / 1e6)
    axes.set(title="levels by computation", xlabel="million multiply-adds per second of audio")


def front_by_time(axes: Axes) -> None:
    """The same models by chunk time, which depends on their shapes alone."""
    rows = read_json(EXPERIMENTS / "ladder_scores" / "bench.json")["rows"]
    times: dict[int, float] = {
        row["level"]: row["p50_ms"]
        for row in rows
        if (row["backend"], row["precision"], row["chunk_ms"]) == ("openvino", "fp32", 8.0)
    }
    _front(axes, read("front"), times[0], lambda level, job: times[level])
    axes.set(title="levels by time", xlabel="median chunk time (ms, chunks of 8 ms, one thread, fp32)")


def _front(axes: Axes, found: Result, dense: float, place: Callable[[int, JobResult], float]) -> None:
    for start, label, colour, style in (
        ("shipped", "bundled ladder", PRUNED, "-"),
        ("pruned", "pruned, half an epoch of fine-tuning", PRUNED, "--"),
        ("scratch", "half an epoch from fresh weights", SCRATCH, "--"),
    ):
        points = [
            (place(job["keep"], job), job["si_sdri"])
            for job in found["jobs"]
            if job["start"] == start and isinstance(job["keep"], int)
        ]
        line(axes, points, colour, style, label)
    axes.plot([dense], [found["dense"]["si_sdri"]], "s", color=DENSE, label="dense")


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    draws = (finetuning, scratch, steps, front_by_computation, front_by_time)
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
    figure.savefig(PICTURES / "claims.png")


if __name__ == "__main__":
    run_script(main)
