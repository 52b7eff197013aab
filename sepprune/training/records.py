"""The files of a run: checkpoint, best weights, log and curve. Each one is complete at any moment."""

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
    """The folder of one run.

    ``last.pt`` has the whole training state, ``best.safetensors`` the best averaged weights, ``log.csv`` one line per
    validation, ``curve.png`` a plot of them, and ``settings.json`` the settings.

    Args:
        path: of the folder, which is made if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    @property
    def has_checkpoint(self) -> bool:
        """Whether a run has been saved here."""
        return (self.path / "last.pt").is_file()

    def load_checkpoint(self, device: torch.device) -> dict[str, Any]:
        """The training state that :meth:`save` wrote last.

        Raises:
            UserError: there is none.
        """
        if not self.has_checkpoint:
            raise UserError(f"{self.path} holds no checkpoint to resume from: leave --resume out to start a run there")
        state: dict[str, Any] = torch.load(self.path / "last.pt", map_location=device, weights_only=True)
        return state

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write ``settings.json``."""
        text = json.dumps(settings, indent=2) + "\n"
        _replace(self.path / "settings.json", lambda path: path.write_text(text, encoding="utf-8"))

    def save(self, checkpoint: dict[str, Any], best: dict[str, Tensor] | None, line: dict[str, float]) -> None:
        """Write the results of a validation.

        Args:
            checkpoint: the training state.
            best: the averaged weights if they are the best so far, else ``None``.
            line: a line of the log, by column.
        """
        if best is not None:
            contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in best.items()}
            _replace(self.path / "best.safetensors", lambda path: save_file(contiguous, path))
        log = self.path / "log.csv"
        _replace(log, lambda path: _append(log, path, line))
        _replace(self.path / "last.pt", lambda path: torch.save(checkpoint, path))
        _replace(self.path / "curve.png", lambda path: draw_curve(log, path))


def draw_curve(log: Path, picture: Path) -> None:
    """Plot the SI-SDR improvement on the validation speakers against hours of mixtures."""
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
        ylim=(-0.5, None),  # scores before training are far below and would squeeze the curve
        ylabel="SI-SDR improvement on validation speakers (dB)",
    )
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, format="png")


def _append(log: Path, copy: Path, line: dict[str, float]) -> None:
    """Write a copy of the log with one more line."""
    old = log.read_text(encoding="utf-8") if log.is_file() else ",".join(line) + "\n"
    values = ",".join(str(round(value, 6)) for value in line.values())
    copy.write_text(f"{old}{values}\n", encoding="utf-8")


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write(temporary)
    os.replace(temporary, path)
