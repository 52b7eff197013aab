"""The training loop: time-boxed, resumable after a kill at any moment."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from ..ladders.hints import Lesson, arriving, imitated
from ..separators.calling import delay_of, estimates_of
from .batches import BATCHES, training_batches, validation_mixtures
from .processes import Processes
from .settings import TrainingSettings
from .student import Student

_GO_ON, _VALIDATE, _FINISH = range(3)


class Trainer:
    """Trains separators on the same mixtures, in this process or as one of several.

    Mixing, and the teacher's pass where there is one, are paid for once, however many separators listen.

    Args:
        settings: where mixtures come from and how long between two validations.
        students: the separators; a batch goes to each in turn.
        teacher: frozen separator whose source order the students learn, instead of any order that fits.
        processes: the processes of this run, entered; ``None`` for this one alone.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        students: Sequence[Student],
        teacher: nn.Module | None = None,
        processes: Processes | None = None,
    ) -> None:
        self.settings, self.students, self.teacher = settings, students, teacher
        self.processes = processes or Processes()
        self.device = self.processes.device
        if self.device.type == "cpu" and settings.threads:
            torch.set_num_threads(settings.threads)
        self._layers = imitated(*(student.hints for student in students))
        if teacher is not None:
            teacher.to(self.device).eval().requires_grad_(False)

    def run(self, minutes: float, cooldown: bool = False) -> list[dict[str, Any]]:
        """Train for so many minutes; with ``cooldown`` the learning rate falls linearly to zero meanwhile.

        A termination signal ends the run as the clock would: it validates and saves, then returns.

        Returns:
            what became of every student.
        """
        first, batches, validation = self.processes.first, self._batches(), validation_mixtures(self.settings)
        limit, pause, counted = minutes * 60, self.settings.validate_minutes * 60, 0.0
        started, stop, due = time.monotonic(), _StopSignal(), pause
        for student in self.students:
            student.separator.train()
        with (
            stop,
            Progress(
                TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), disable=not first
            ) as progress,
        ):
            bar = progress.add_task("training", total=limit)
            while True:
                elapsed = time.monotonic() - started
                order = _FINISH if elapsed >= limit or stop.requested else _VALIDATE if elapsed >= due else _GO_ON
                order = self.processes.agree(order)
                if order != _GO_ON:
                    for student in self.students:
                        student.seconds += elapsed - counted
                        student.optimiser.gather()
                    if first:
                        scores = [student.validate(validation) for student in self.students]
                        progress.update(bar, completed=elapsed, description=self._describe(scores))
                    counted, due = elapsed, time.monotonic() - started + pause
                    if order == _FINISH:
                        break
                self._update(*next(batches), 1 - elapsed / limit if cooldown else 1.0)
                progress.update(bar, completed=elapsed)
        return [student.report for student in self.students]

    def run_updates(self, updates: int) -> None:
        """Train for so many updates, over which the learning rate falls to zero; nothing is scored or written.

        For comparisons in which fast machines and small models must get no more than others.
        """
        batches = self._batches()
        for student in self.students:
            student.separator.train()
        for update in range(updates):
            self._update(*next(batches), 1 - update / updates)

    def _describe(self, scores: list[float]) -> str:
        return (
            f"{self.students[0].audio_hours:.1f} h of mixtures, SI-SDRi {_listed(scores)} dB, "
            f"best {_listed([student.best for student in self.students])} dB"
        )

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's batches: every number is drawn by exactly one process, and none that a student has heard."""
        data = training_batches(self.settings)
        count, heard = self.processes.count, max(student.batches for student in self.students)
        mine = Subset(data, range(heard + self.processes.rank, BATCHES, count))
        workers = 1 if self.device.type == "cpu" else min(12, os.cpu_count() or 1)
        return iter(
            DataLoader(
                mine,
                batch_size=None,
                shuffle=False,
                num_workers=workers,
                prefetch_factor=4,
                worker_init_fn=_leave_signals_to_the_parent,
                pin_memory=self.device.type == "cuda",
            )
        )

    def _update(self, mixture: Tensor, reference: Tensor, share: float) -> None:
        mixture, reference, lesson = mixture.to(self.device), reference.to(self.device), None
        if self.teacher is not None:
            precision = self.settings.optimiser.precision
            with torch.no_grad(), arriving(self.teacher, self._layers) as features:
                lesson = Lesson(estimates_of(self.teacher, mixture, delay_of(self.teacher), precision), features)
        for student in self.students:
            student.update(mixture, reference, lesson, share)


def _listed(scores: list[float]) -> str:
    return " ".join(f"{score:.2f}" for score in scores)


def _leave_signals_to_the_parent(_: int) -> None:
    """A worker that died of Ctrl-C would take the run with it before it is saved."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


class _StopSignal:
    """Turns SIGTERM and SIGINT into a request that the loop honours after the current update."""

    def __init__(self) -> None:
        self.requested = False

    def __enter__(self) -> None:
        self._previous = {number: signal.signal(number, self._request) for number in (signal.SIGTERM, signal.SIGINT)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _request(self, *_: object) -> None:
        self.requested = True
