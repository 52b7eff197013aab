"""The result of pruning: the model, its plan and its report, in memory and on disk."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

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
            UserError: there is a file of that name.
            OSError: the folder cannot be written; what was there is unchanged.
        """
        if Path(folder).exists() and not Path(folder).is_dir():
            raise UserError(f"cannot write {folder}: it is a file, give the name of a folder")
        with whole_folder(Path(folder), (_WEIGHTS, _REPORT, _PLAN)) as new:
            # not the library's own writer: its file can be read by its owner alone, and its errors are no OSError
            (new / _WEIGHTS).write_bytes(to_bytes(_distinct(self.model), metadata={"format": "pt"}))
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
        _load(model, load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[-1].strip()
        raise UserError(
            f"the weights {weights} cannot be loaded into {type(model).__name__}: {why}; give a folder that sepprune "
            "prune wrote, and the class and settings that it was made for"
        ) from error
    return model


def _distinct(model: nn.Module) -> dict[str, Tensor]:
    """Tensors of the model as ones of their own, as the file needs them; one that is tied under its first name only."""
    names = {min(tied) for tied in _tied(model)}
    return {
        name: value.detach().clone(memory_format=torch.contiguous_format)
        for name, value in model.state_dict().items()
        if name in names
    }


def _load(model: nn.Module, values: dict[str, Tensor]) -> None:
    """Load tensors in place. A tied tensor may be given under any of its names."""
    for tied in _tied(model):
        given = next((values[name] for name in tied if name in values), None)
        if given is not None:
            values |= {name: given for name in tied if name not in values}
    model.load_state_dict(values)


def _tied(model: nn.Module) -> list[list[str]]:
    """Names of the state's tensors, those of one tensor together. A view of another tensor's values is not tied."""
    names: dict[Hashable, list[str]] = defaultdict(list)
    for name, value in model.state_dict().items():
        place = (value.device, value.data_ptr(), value.shape, value.stride(), value.dtype) if value.numel() else name
        names[place].append(name)
    return list(names.values())
