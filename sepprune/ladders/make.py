"""From one trained separator to a ladder: levels are started, fine-tuned with the dense one as teacher, and written."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import distributed, nn

from ..errors import UserError
from ..pruning import analyze
from ..rounding import rounded
from ..streaming import Ladder, LevelRecord, write_ladder
from ..training.learner import Learner
from ..training.processes import Processes
from ..training.trainer import Trainer
from .contain import containing
from .hints import Hints
from .runs import LevelRun, Start
from .settings import LadderSettings, stages
from .starts import continued, cut
from .weights import load_model

#: seconds by which a finished run may fall short of its time, from adding numbers up
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Events:
    """What a caller may want to show.

    Attributes:
        stage: called with the levels of a stage and its minutes, before it starts.
        masks: called with a level before its channels are chosen; what it gives is entered until they are, and is
            called with step and loss while masks are learned.
    """

    stage: Callable[[Sequence[int], float], None] = lambda levels, minutes: None
    masks: Callable[[int], AbstractContextManager[Callable[[int, float], None]]] = lambda level: nullcontext(_ignore)


@dataclass(frozen=True)
class Made:
    """What :meth:`LadderMaker.make` has done.

    Attributes:
        levels: the report of every chosen level that is finished, with its number under ``level``.
        complete: whether all chosen levels are finished; a termination signal ends the work early.
    """

    levels: tuple[Mapping[str, Any], ...]
    complete: bool


class LadderMaker:
    """Makes the levels of a ladder, stage by stage; what is finished is not done again.

    Args:
        settings: what to make.
        processes: the processes that fine-tune together, entered; the first one writes.
        events: called while levels are made.

    Raises:
        UserError: the dense separator, or the ladder to start from, cannot be loaded.
    """

    def __init__(self, settings: LadderSettings, processes: Processes, events: Events | None = None) -> None:
        self.settings, self._processes, self._events = settings, processes, events or Events()
        self._runs = tuple(LevelRun(Path(settings.runs) / f"level-{level}") for level in range(len(settings.levels)))
        self._earlier = None if settings.start is None else _earlier(settings.start, len(settings.levels))
        self._dense = (
            load_model(settings.training.model)
            if self._earlier is None
            else continued(self._earlier, 0, settings.training.model).separator
        )

    def unfinished(self) -> list[int]:
        """Levels that are not finished."""
        return [level for level in range(len(self._runs)) if not self._finished(level)]

    def make(self, levels: Sequence[int], minutes: float) -> Made:
        """Make levels, stage by stage (see :func:`~.settings.stages`), each stage in its share of the time.

        After an interruption, the same call continues: finished levels are kept, a level that was being fine-tuned
        continues from its last checkpoint with the rest of its time.

        Args:
            levels: their numbers.
            minutes: fine-tuning time of all of them; learning masks comes on top.

        Raises:
            UserError: there is no time, a level needs another one that is neither finished nor among these, a run in
                the folder was made with other settings, or the data is missing.
        """
        chosen, specs = sorted(set(levels)), self.settings.levels
        if not minutes > 0:
            raise UserError(f"{minutes:g} minutes of fine-tuning are not possible: give more than 0")
        self._check(chosen)
        parts = [chosen] if self._earlier is not None else stages(specs, chosen)
        total = sum(specs[level].time_share for level in chosen)
        for stage in parts:
            share = sum(specs[level].time_share for level in stage)
            stage_minutes = minutes * share / total if total else 0.0
            pending = [level for level in stage if not self._finished(level)]
            if pending:
                self._events.stage(pending, stage_minutes)
                self._start(pending)
                self._finetune(pending, stage_minutes)
            if not all(self._finished(level) for level in stage):
                break
        reports = ((level, self._runs[level].report()) for level in chosen)
        return Made(
            tuple({"level": level, **report} for level, report in reports if report is not None),
            all(self._finished(level) for level in chosen),
        )

    def write(self) -> Path:
        """Put the dense separator and every level that has been fine-tuned into the ladder folder; returns it."""
        records, model = [], self.settings.training.model
        for level, (spec, run) in enumerate(zip(self.settings.levels, self._runs, strict=True)):
            weights = run.weights_file if self._started(level) else None
            if level and (weights is None or spec.time_share and not run.best_file.is_file()):
                continue
            separator = run.build(self._dense, weights)
            facts = {"macs_per_second": analyze(separator).macs_per_second}
            stored = rounded(separator.state_dict(), self.settings.bits)
            records.append(LevelRecord(model.name, model.settings, run.plan(), stored, facts))
        return write_ladder(self.settings.out, self.settings.name, records, self.settings.card).folder

    def _check(self, chosen: Sequence[int]) -> None:
        """Refuse levels that cannot be made, before any work is done."""
        for level in chosen:
            spec, run = self.settings.levels[level], self._runs[level]
            needed = spec.needs if self._earlier is None else None
            if needed is not None and needed not in chosen and not self._finished(needed):
                raise UserError(
                    f"level {level} needs level {needed}, which is not finished: make both together, or level {needed} "
                    "first"
                )
            plan = run.plan() if level and self._earlier is None else None
            budget = None if plan is None else plan.budget.get("macs")
            if budget is not None and abs(budget - spec.macs) > 1e-6:
                raise UserError(
                    f"{run.folder} holds a level with {budget:g} of the dense MACs, the configuration asks for "
                    f"{spec.macs:g}: remove that folder, or choose another folder for `runs`"
                )

    def _started(self, level: int) -> bool:
        run = self._runs[level]
        if level:
            return run.plan_file.is_file()
        return self._earlier is None or run.start_file.is_file()

    def _finished(self, level: int) -> bool:
        if not self.settings.levels[level].time_share:
            return self._started(level)
        return self._runs[level].report() is not None

    def _start(self, levels: Sequence[int]) -> None:
        """Write the starts that are missing; the processes share the levels among them."""
        missing = [level for level in levels if not self._started(level)]
        bits = self._processes.agree(sum(1 << level for level in missing))  # so that all share the same list
        missing = [level for level in levels if bits >> level & 1]
        for level in missing[self._processes.rank :: self._processes.count]:
            self._runs[level].save_start(self._make_start(level))
        _wait_for_all(self._processes)

    def _make_start(self, level: int) -> Start:
        spec = self.settings.levels[level]
        if self._earlier is not None:
            return continued(self._earlier, level, self.settings.training.model)
        if spec.contains is not None:
            run = self._runs[spec.contains]
            light, plan = run.build(self._dense, run.weights_file), run.plan()
            if plan is None:
                raise UserError(
                    f"{run.folder} has no plan.json: remove the folder and make level {spec.contains} again"
                )
            return containing(self._dense, light, plan, spec.macs)
        run = self._runs[spec.cut_from]
        heavier = run.build(self._dense, run.weights_file if spec.cut_from else None)
        with self._events.masks(level) as progress:
            return cut(self.settings, level, self._dense, heavier, run.plan() if spec.cut_from else None, progress)

    def _finetune(self, levels: Sequence[int], minutes: float) -> None:
        """Fine-tune levels side by side on the same mixtures, for the rest of their time."""
        levels = [level for level in levels if self.settings.levels[level].time_share]
        if not levels:
            return
        total = minutes * 60
        learners = [self._learner(level) for level in levels]
        left = max(0.0, total - min(learner.report["seconds"] for learner in learners))
        if 0 < left < total:  # continue the fall of the learning rate from where it was
            learners = [self._learner(level, left / total) for level in levels]
        if left:
            joint = self.settings.joint and 0 in levels
            # a separator that only teaches is a copy, since the trainer moves it to its device
            teacher = learners[levels.index(0)] if joint else copy.deepcopy(self._dense)
            Trainer(self.settings.training, learners, teacher, self._processes).run(left / 60, cooldown=True)
        reports = [learner.report for learner in learners]
        if self._processes.first and min(report["seconds"] for report in reports) >= total - _TOLERANCE:
            for level, report in zip(levels, reports, strict=True):
                self._runs[level].finish(report)
        _wait_for_all(self._processes)

    def _learner(self, level: int, rate: float = 1.0) -> Learner:
        """A level that learns, from its start or its last checkpoint, with this share of its learning rate."""
        run, spec, training = self._runs[level], self.settings.levels[level], self.settings.training
        model, plan = training.model, run.plan()
        if plan is not None:
            model = dataclasses.replace(model, plan=str(run.plan_file))
        learning_rate = training.optimiser.learning_rate if spec.learning_rate is None else spec.learning_rate
        settings = dataclasses.replace(
            training,
            out=str(run.folder),
            model=model,
            optimiser=dataclasses.replace(training.optimiser, learning_rate=rate * learning_rate),
            imitation=training.imitation if spec.imitation is None else spec.imitation,
            hints=training.hints if spec.hints is None else spec.hints,
        )
        hints = None
        if plan is not None and settings.hints:
            hints = Hints(self._dense, plan, settings.hints, self._processes.device)
        start = run.start_file if level or self._earlier is not None else None
        separator: nn.Module = run.build(self._dense, start).requires_grad_()
        return Learner(settings, separator, run.has_checkpoint, self._processes, hints)


def _ignore(step: int, loss: float) -> None:
    """Progress that nobody wants to see."""


def _earlier(folder: str, levels: int) -> Ladder:
    ladder = Ladder.load(folder)
    if len(ladder.levels) != levels:
        raise UserError(
            f"the ladder {folder} has {len(ladder.levels)} levels, the configuration {levels} [[level]] tables: "
            "give as many"
        )
    return ladder


def _wait_for_all(processes: Processes) -> None:
    """Wait until every process is here: what one has written, all can then read."""
    if processes.count > 1:
        distributed.barrier()
