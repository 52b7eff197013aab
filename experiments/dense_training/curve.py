"""The curve of docs/training.md: the phases of the run one after the other.

python docs/training/curves.py
"""

from __future__ import annotations

import csv
from pathlib import Path

from matplotlib.figure import Figure

FOLDER = Path(__file__).parent
#: log, what it is, hours heard before it where it counts from zero; in the order in which they ran
PHASES = (
    ("skim-1.csv", "clean", 0.0),
    ("skim-2.csv", "some of life", 37.9),
    ("skim-3.csv", "more pairs of one sex", 146.6),
    ("skim-4.csv", "the same again", 248.9),
    ("skim-5.csv", "the same on a GPU", 336.5),
    ("skim-6.csv", "whole band, resonances moved", 1740.2),
    ("skim-7.csv", "talkers moved", 1750.0),
    ("skim-8.csv", "segments of 100, other mixtures", 1781.2),
    ("skim-9.csv", "segments of 200", 1808.6),
)
#: what began after so many hours has a panel of its own, on a linear scale
LATE = 1000.0
COLOURS = {"clean": "#1f6f8b", "noisy": "#7fb069", "room": "#c9a227"}


def main() -> None:
    figure = Figure(figsize=(9, 4.2), dpi=130, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True, width_ratios=[3, 2])
    for name, what, before in PHASES:
        with open(FOLDER / name, newline="", encoding="utf-8") as file:
            lines = list(csv.DictReader(file))
        hours = [before + float(line["audio_hours"]) for line in lines]
        axes = panels[int(before > LATE)]
        for condition, colour in COLOURS.items():
            column = f"si_sdri_{condition}" if f"si_sdri_{condition}" in lines[0] else "si_sdri"
            if column not in lines[0]:  # on the GPU nothing was scored
                continue
            if column != "si_sdri" or condition == "clean":
                axes.plot(
                    hours,
                    [float(line[column]) for line in lines],
                    marker=".",
                    color=colour,
                    label=condition if name == PHASES[-1][0] else None,
                )
        axes.axvline(hours[0], color="#bbbbbb", linewidth=0.8, linestyle=":")
        axes.annotate(
            what,
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
    panels[1].legend(frameon=False, loc="center right")
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FOLDER / "skim.png", format="png")


if __name__ == "__main__":
    main()
