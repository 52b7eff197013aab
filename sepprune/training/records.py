"""What a run leaves on disk: checkpoint, best weights, log, curve. Every write is atomic."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..errors import UserError

_COLOURS = ("#1f6f8b", "#7fb069", "#c9a227", "#c8553d")


class RunFolder:
    """One run's folder.

    ``last.pt`` is the whole training state, ``best.safetensors`` the best averaged weights, ``log.csv`` one line a
    validation, ``curve.png`` the same as a picture, ``settings.json`` the run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    @property
    def has_checkpoint(self) -> bool:
        return (self.path / "last.pt").is_file()

    def load_checkpoint(self, device: torch.device) -> dict[str, Any]:
        if not self.has_checkpoint:
            raise UserError(f"{self.path} holds no checkpoint to resume from: leave --resume out to start a run there")
        return torch.load(self.path / "last.pt", map_location=device, weights_only=True)

    def write_settings(self, settings: dict[str, Any]) -> None:
        text = json.dumps(settings, indent=2) + "\n"
        _replace(self.path / "settings.json", lambda path: path.write_text(text, encoding="utf-8"))

    def save(self, checkpoint: dict[str, Any], best: dict[str, Tensor] | None, line: dict[str, float]) -> None:
        """Write the checkpoint, the best weights where they are new, and a line of the log."""
        if best is not None:
            contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in best.items()}
            _replace(self.path / "best.safetensors", lambda path: save_file(contiguous, path))
        log = self.path / "log.csv"
        new = not log.is_file()
        with open(log, "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(line))
            if new:
                writer.writeheader()
            writer.writerow({name: round(value, 6) for name, value in line.items()})
        _replace(self.path / "last.pt", lambda path: torch.save(checkpoint, path))
        _replace(self.path / "curve.png", lambda path: draw_curve(log, path))


def draw_curve(log: Path, picture: Path) -> None:
    """SI-SDR improvement on the validation speakers against hours of mixtures."""
    from matplotlib.figure import Figure

    with open(log, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    figure = Figure(figsize=(7, 4), dpi=120, layout="constrained")
    axes = figure.subplots()
    hours = [float(line["audio_hours"]) for line in lines]
    for name, colour in zip((name for name in lines[0] if name.startswith("si_sdri")), _COLOURS, strict=False):
        axes.plot(
            hours,
            [float(line[name]) for line in lines],
            marker=".",
            color=colour,
            label=name.removeprefix("si_sdri_") if "_" in name.removeprefix("si_sdri") else "mean",
        )
    if len(axes.lines) > 1:
        axes.legend(frameon=False)
    axes.set(
        xlabel="hours of mixtures",
        ylim=(-0.5, None),  # the first updates lie far below and say nothing
        ylabel="SI-SDR improvement on validation speakers (dB)",
    )
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, format="png")


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write(temporary)
    os.replace(temporary, path)
