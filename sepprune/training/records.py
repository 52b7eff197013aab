"""The files of a run: checkpoint, best weights, log and curve. Each one is complete at any moment."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import IO, Any

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor

from ..errors import UserError
from ..files import reason, write_whole

#: key of the log inside a checkpoint
_LOG = "log"
_COLOURS = ("#1f6f8b", "#7fb069", "#c9a227", "#c8553d")


class RunFolder:
    """The folder of one run.

    ``last.pt`` has the whole training state with the log so far, ``best.safetensors`` the best averaged weights,
    ``log.csv`` one line per validation, ``curve.png`` a plot of them, and ``settings.json`` the settings.

    The folder is made with the first validation, so a run that fails before leaves nothing.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._settings: dict[str, Any] | None = None

    @property
    def has_checkpoint(self) -> bool:
        """Whether a run has been saved here."""
        return (self.path / "last.pt").is_file()

    def load_checkpoint(self, device: torch.device) -> dict[str, Any]:
        """The training state that :meth:`save` wrote last. The log is brought to the same moment.

        Raises:
            UserError: there is none, or it is damaged.
        """
        path = self.path / "last.pt"
        if not self.has_checkpoint:
            raise UserError(f"{self.path} holds no checkpoint to resume from: leave --resume out to start a run there")
        try:
            state = torch.load(path, map_location=device, weights_only=True)
        except Exception as error:  # torch has no error of its own: a damaged file can end in any
            raise UserError(
                f"{path} is no checkpoint ({' '.join(str(error).split())[:120]}): start a new run from "
                "best.safetensors, as `weights` under [model]"
            ) from error
        if not isinstance(state, dict):
            raise UserError(f"{path} is no checkpoint: start a new run from best.safetensors")
        log = state.pop(_LOG, None)  # checkpoints of older versions have none
        if isinstance(log, str):
            self._write(self.path / "log.csv", log.encode())
        return state

    def check(self) -> None:
        """Refuse a folder that cannot be written, before time is spent on training; nothing is written.

        Raises:
            UserError: it is a file, or it or the folder that it would be made in cannot be written.
        """
        there = next(folder for folder in (self.path.absolute(), *self.path.absolute().parents) if folder.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            fault = f"{there} {'cannot be written' if there.is_dir() else 'is a file'}"
            raise UserError(f"cannot write into {self.path} ({fault}): choose another folder for `out`")

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write ``settings.json`` with the next validation."""
        self._settings = settings

    def save(self, checkpoint: dict[str, Any], best: dict[str, Tensor] | None, line: dict[str, float]) -> None:
        """Write the results of a validation: the checkpoint before the log, so that the log is never ahead.

        Args:
            checkpoint: the training state.
            best: the averaged weights if they are the best so far, else ``None``.
            line: a line of the log, by column.

        Raises:
            UserError: the disk is full, or the folder cannot be written. What was there is unchanged.
        """
        if self._settings is not None:
            self._write(self.path / "settings.json", (json.dumps(self._settings, indent=2) + "\n").encode())
            self._settings = None
        if best is not None:
            contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in best.items()}
            self._write(self.path / "best.safetensors", to_bytes(contiguous))
        log = self.path / "log.csv"
        text = _with_line(log, line)
        state = io.BytesIO()
        torch.save({**checkpoint, _LOG: text}, state)
        self._write(self.path / "last.pt", state.getvalue())
        self._write(log, text.encode())
        picture = io.BytesIO()
        draw_curve(log, picture)
        self._write(self.path / "curve.png", picture.getvalue())

    def _write(self, path: Path, content: bytes) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_whole(path, content)
        except OSError as error:
            then = "continue with --resume from the last validation" if self.has_checkpoint else "start again"
            raise UserError(
                f"cannot write {path} ({reason(error)}): make room, then {then}, or choose another folder with --out"
            ) from error


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
