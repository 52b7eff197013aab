"""The files of a run: checkpoint, best weights, log and curve. Each one is complete at any moment."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import IO, Any

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from ..errors import UserError
from ..files import whole_file, write_whole

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
        write_whole(self.path / "settings.json", text.encode())

    def save(self, checkpoint: dict[str, Any], best: dict[str, Tensor] | None, line: dict[str, float]) -> None:
        """Write the results of a validation.

        Args:
            checkpoint: the training state.
            best: the averaged weights if they are the best so far, else ``None``.
            line: a line of the log, by column.
        """
        if best is not None:
            contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in best.items()}
            write_whole(self.path / "best.safetensors", to_bytes(contiguous))
        log = self.path / "log.csv"
        text = _with_line(log, line)
        write_whole(log, text.encode())
        with whole_file(self.path / "last.pt") as file:
            torch.save(checkpoint, file)
        with whole_file(self.path / "curve.png") as file:
            draw_curve(log, file)


def draw_curve(log: Path, picture: Path | IO[bytes]) -> None:
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


def _with_line(log: Path, line: dict[str, float]) -> str:
    """The log with one more line."""
    old = log.read_text(encoding="utf-8") if log.is_file() else ",".join(line) + "\n"
    values = ",".join(str(round(value, 6)) for value in line.values())
    return f"{old}{values}\n"
