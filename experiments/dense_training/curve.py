"""Draws the training of the dense separator, phase after phase, into docs/pictures/dense-training.png.

python -m experiments.dense_training.curve
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ..common import PICTURES, run_script


@dataclass(frozen=True)
class Phase:
    """One run of the training.

    Args:
        run: name in log.csv.
        label: what was new in this phase.
        hours_before: hours of mixtures in the phases before it, or 0 where the log counts from the beginning.
    """

    run: str
    label: str
    hours_before: float


#: in the order in which they ran
PHASES = (
    Phase("skim-1", "clean", 0.0),
    Phase("skim-2", "noise and rooms", 37.9),
    Phase("skim-3", "more pairs of one sex", 146.6),
    Phase("skim-4", "the same again", 248.9),
    Phase("skim-5", "the same on a GPU", 336.5),
    Phase("skim-6", "full band, formants moved", 1740.2),
    Phase("skim-7", "talkers moved", 1750.0),
    Phase("skim-8", "segments of 100, other mixtures", 1781.2),
    Phase("skim-9", "segments of 200", 1808.6),
    Phase("evened", "even gradients, other mixtures", 1889.8),
)
#: phases that begin after so many hours have a panel with a linear scale
LATE_HOURS = 1000.0
COLOURS = {"clean": "#1f6f8b", "noisy": "#7fb069", "room": "#c9a227"}


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    figure = Figure(figsize=(9, 4.2), dpi=130, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    with open(Path(__file__).with_name("log.csv"), newline="", encoding="utf-8") as file:
        log = list(csv.DictReader(file))
    for phase in PHASES:
        lines = [line for line in log if line["run"] == phase.run]
        hours = [phase.hours_before + float(line["audio_hours"]) for line in lines]
        axes = panels[int(phase.hours_before > LATE_HOURS)]
        for condition, colour in COLOURS.items():
            # the first phase was scored on clean mixtures only, the phase on a GPU not at all
            column = f"si_sdri_{condition}" if lines[0][f"si_sdri_{condition}"] else "si_sdri"
            if lines[0][column] and (column != "si_sdri" or condition == "clean"):
                label = condition if phase is PHASES[-1] else None
                axes.plot(hours, [float(line[column]) for line in lines], marker=".", color=colour, label=label)
        axes.axvline(hours[0], color="#bbbbbb", linewidth=0.8, linestyle=":")
        axes.annotate(
            phase.label,
            (hours[0], 0.02),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=7,
            color="#666666",
            rotation=90,
            va="bottom",
        )
    panels[0].set(
        xlabel="hours of mixtures",
        xscale="log",
        ylim=(-0.5, None),
        ylabel="SI-SDR improvement on validation speakers (dB)",
    )
    panels[1].set(xlabel="hours of mixtures, after the GPU")
    panels[0].legend(*panels[1].get_legend_handles_labels(), frameon=False, loc="upper left")
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(PICTURES / "dense-training.png")


if __name__ == "__main__":
    run_script(main)
