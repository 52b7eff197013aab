"""The result of pruning: the model, its plan and its report, in memory and on disk."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import nn

from ..errors import UserError
from ..folders import whole_folder
from .plan import PruningPlan

_WEIGHTS, _REPORT, _PLAN = "model.safetensors", "report.json", "plan.json"


@dataclass(frozen=True)
class PruneResult:
    """A pruned model.

    Attributes:
        model: same class and call signature, fewer channels; all remaining parameters and buffers are inherited.
        plan: makes the pruned model from the original class.
        report: the JSON object of ``sepprune prune``.
    """

    model: nn.Module
    plan: PruningPlan
    report: dict[str, Any]

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``model.safetensors``, ``report.json`` and ``plan.json``, which :func:`load_pruned` reads.

        The weights are those that the model has now. The three files of an earlier result are replaced in one step,
        see :func:`~sepprune.folders.whole_folder`.

        Raises:
            OSError: the folder cannot be written; what was there is unchanged.
        """
        with whole_folder(Path(folder), (_WEIGHTS, _REPORT, _PLAN)) as new:
            save_model(self.model, str(new / _WEIGHTS))
            content = (new / _WEIGHTS).read_bytes()
            (new / _WEIGHTS).unlink()  # the library's file can be read by its owner alone
            (new / _WEIGHTS).write_bytes(content)
            (new / _REPORT).write_bytes((json.dumps(self.report, indent=2) + "\n").encode())
            self.plan.save(new / _PLAN)


def load_pruned(folder: str | os.PathLike[str], module: nn.Module) -> nn.Module:
    """The pruned model that :meth:`PruneResult.save` or ``sepprune prune --out`` wrote.

    Args:
        folder: where it was written.
        module: a module of the original class and settings, with any weights; it is not changed.

    Raises:
        UserError: a file cannot be read, or does not fit the module.
    """
    model = PruningPlan.load(Path(folder) / _PLAN).apply(module)
    weights = Path(folder) / _WEIGHTS
    try:
        load_model(model, weights)
    except (OSError, SafetensorError, RuntimeError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
        raise UserError(
            f"the weights {weights} cannot be loaded into {type(model).__name__}: {why}; give a folder that sepprune "
            "prune wrote, and the class and settings that it was made for"
        ) from error
    return model
