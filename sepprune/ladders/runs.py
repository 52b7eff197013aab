"""The run folder of a level: what is finished lies in a file, so that a ladder continues after a kill."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save as to_bytes
from torch import nn

from ..checked import LARGEST_JSON, parse_json, read_limited
from ..files import write_whole
from ..pruning import PruningPlan
from ..separators.weights import load_weights


@dataclass(frozen=True)
class Start:
    """A level before it is fine-tuned.

    Attributes:
        separator: pruned, with the weights to start from.
        plan: from the dense separator to this one; ``None`` for the dense level.
        facts: how it was made.
    """

    separator: nn.Module
    plan: PruningPlan | None
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class LevelRun:
    """The files of one level's run.

    ``start.safetensors`` has the weights before fine-tuning, ``plan.json`` the pruning plan, ``prune.json`` how the
    level was made, ``finished.json`` the report of the finished fine-tuning. The trainer adds ``last.pt``,
    ``best.safetensors``, ``log.csv``, ``curve.png`` and ``settings.json``.
    """

    folder: Path

    @property
    def plan_file(self) -> Path:
        return self.folder / "plan.json"

    @property
    def start_file(self) -> Path:
        return self.folder / "start.safetensors"

    @property
    def best_file(self) -> Path:
        return self.folder / "best.safetensors"

    @property
    def has_checkpoint(self) -> bool:
        """Whether fine-tuning has begun and can be continued."""
        return (self.folder / "last.pt").is_file()

    @property
    def weights_file(self) -> Path | None:
        """The best weights so far, ``None`` before there are any."""
        return next((path for path in (self.best_file, self.start_file) if path.is_file()), None)

    def plan(self) -> PruningPlan | None:
        """The pruning plan, ``None`` where there is none."""
        return PruningPlan.load(self.plan_file) if self.plan_file.is_file() else None

    def save_start(self, start: Start) -> None:
        """Write a start, the plan last: a level that has its plan has everything."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.detach().cpu().contiguous() for name, value in start.separator.state_dict().items()}
        write_whole(self.start_file, to_bytes(state))
        _write_json(self.folder / "prune.json", start.facts)
        if start.plan is not None:
            start.plan.save(self.plan_file)

    def build(self, dense: nn.Module, weights: Path | None) -> nn.Module:
        """A copy of ``dense``, pruned by the plan where there is one, with these weights where they are given."""
        plan = self.plan()
        separator = copy.deepcopy(dense) if plan is None else plan.apply(dense)
        if weights is not None:
            load_weights(separator, weights)
        return separator

    def report(self) -> dict[str, Any] | None:
        """The report of the finished fine-tuning, ``None`` before it is finished.

        Raises:
            UserError: the file is damaged.
        """
        path = self.folder / "finished.json"
        if not path.is_file():
            return None
        advice = "remove it to continue the fine-tuning"
        # the best score of a level that learnt nothing is -Infinity
        return parse_json(read_limited(path, LARGEST_JSON, advice), path, advice, finite=False)

    def finish(self, report: Mapping[str, Any]) -> None:
        """Record that fine-tuning is finished."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write_json(self.folder / "finished.json", report)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_whole(path, (json.dumps(dict(content), indent=2) + "\n").encode())
