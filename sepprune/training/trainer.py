"""The training loop: limited in time, and resumable after a kill at any moment."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import Any

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import Subset

from ..printing import plain_console
from ..separators.calling import NOT_FASTER, delay_of, estimates_of, precision_on
from ..signals import asked_to_end
from .batches import BATCHES, BatchSource, batch_source, validation_mixtures
from .capture import Captured
from .learner import Learner
from .lessons import TeacherOutput, compared_layers, layer_inputs
from .loading import loaded
from .processes import Processes
from .settings import TrainingSettings


class _Order(IntEnum):
    CONTINUE, VALIDATE, FINISH = range(3)


class Trainer:
    """Trains separators on the same mixtures, in this process or as one of several.

    Mixing, and the forward pass of a teacher, are paid for once for all learners. On a GPU mixtures are rendered there,
    and each learner's update is a CUDA graph on a stream of its own.

    Args:
        settings: where mixtures come from, and the time between two validations.
        learners: the separators, of one sample rate; each one learns from every batch.
        teacher: a separator that does not learn, or one of ``learners``, which then learns first; the others learn its
            order of sources. ``None``: any order is right.
        processes: the processes of this run, entered; ``None`` for this one alone.
        source: batches, instead of those that the settings name.
        clock: time in seconds.

    Attributes:
        ended_early: whether a termination signal ended the last run before its time.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        learners: Sequence[Learner],
        teacher: nn.Module | Learner | None = None,
        processes: Processes | None = None,
        source: BatchSource | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings, self.learners, self.teacher = settings, learners, teacher
        self.processes, self._clock, self.ended_early = processes or Processes(), clock, False
        device = self.device = self.processes.device
        if device.type == "cpu" and settings.threads:
            torch.set_num_threads(settings.threads)
        if isinstance(teacher, nn.Module):
            teacher.to(device).eval().requires_grad_(False)
        alone = self.processes.count == 1  # the exchange of gradients cannot be captured
        self._source = source or batch_source(settings, device.type == "cuda", learners[0].separator)
        self._render = Captured(self._source.render, device) if self._source.render else None
        self._layers = sorted(compared_layers(*(learner.hints for learner in learners)))
        self._teach = Captured(self._pass(teacher), device) if isinstance(teacher, nn.Module) else None
        first = [learner for learner in learners if learner is teacher]
        self._updates = [
            (learner, Captured(self._update_of(learner), device, learner.tensors, alone))
            for learner in [*first, *(learner for learner in learners if learner is not teacher)]
        ]

    def run(self, minutes: float, cooldown: bool = False) -> list[dict[str, Any]]:
        """Train for so many minutes; with ``cooldown`` the learning rate falls linearly to zero over this time.

        A termination signal ends the run as the time limit does: validate, save, return.

        Returns:
            The report of every learner.
        """
        self._with_batches(lambda batches: self._train(batches, minutes, cooldown))
        return [learner.report for learner in self.learners]

    def run_updates(self, updates: int) -> None:
        """Train for so many updates, over which the learning rate falls to zero; nothing is scored or written.

        For comparisons in which fast machines and small separators must not get more updates than others.
        """

        def train(batches: Iterator[tuple[Tensor, ...]]) -> None:
            self._start()
            for update in range(updates):
                self._update(next(batches), 1 - update / updates)
            self._wait()

        self._with_batches(train)

    def _with_batches(self, work: Callable[[Iterator[tuple[Tensor, ...]]], None]) -> None:
        """Call ``work`` with batches, and end the processes that make them, whatever happens.

        They end when nothing refers to the iterator any more. The frames of an exception do, and Python's own end of a
        program then waits without limit for processes that ignore its signal.
        """
        batches = self._batches()
        try:
            work(batches)
        except BaseException as error:
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            del batches

    def _train(self, batches: Iterator[tuple[Tensor, ...]], minutes: float, cooldown: bool) -> None:
        first = self.processes.first
        validation = validation_mixtures(self.settings, self.learners[0].separator)
        limit, pause, counted = minutes * 60, self.settings.validate_minutes * 60, 0.0
        started, stop, due = self._clock(), _Stop(), pause
        columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
        self._start()
        with (
            asked_to_end(stop.request),
            Progress(*columns, console=plain_console(stderr=True), disable=not first) as progress,
        ):
            bar = progress.add_task("training", total=limit)
            wanted = self.settings.optimiser.precision
            if precision_on(self.device, wanted) != wanted:
                progress.console.print(NOT_FASTER)
            while True:
                elapsed = self._clock() - started
                finished = elapsed >= limit or stop.requested
                order = _Order.FINISH if finished else _Order.VALIDATE if elapsed >= due else _Order.CONTINUE
                order = _Order(self.processes.agree(order))
                if order != _Order.CONTINUE:
                    for learner in self.learners:
                        learner.counters.seconds += elapsed - counted
                    self._wait()
                    scores = [learner.validate(validation) for learner in self.learners]
                    progress.update(bar, completed=elapsed, description=self._describe(scores))
                    counted, due = elapsed, self._clock() - started + pause
                    if order == _Order.FINISH:
                        self.ended_early = bool(self.processes.agree(int(stop.requested)))
                        break
                self._update(next(batches), 1 - elapsed / limit if cooldown else 1.0)
                progress.update(bar, completed=elapsed)

    def _start(self) -> None:
        for learner in self.learners:
            learner.separator.train()

    def _describe(self, scores: list[float]) -> str:
        best = [learner.counters.best for learner in self.learners]
        return (
            f"{self.learners[0].counters.audio_hours:.1f} h of mixtures, SI-SDRi {_listed(scores)} dB, "
            f"best {_listed(best)} dB"
        )

    def _batches(self) -> Iterator[tuple[Tensor, ...]]:
        """Batches of this process: each number is drawn by exactly one process, and none that a learner has had."""
        count, drawn = self.processes.count, max(learner.counters.batches for learner in self.learners)
        mine: Subset[Any] = Subset(self._source.data, range(drawn + self.processes.rank, BATCHES, count))
        gpu = self.device.type == "cuda"
        return loaded(mine, min(12, os.cpu_count() or 1) if gpu else 1, pinned=gpu)

    def _update(self, batch: tuple[Tensor, ...], share: float) -> None:
        batch = tuple(tensor.to(self.device, non_blocking=True) for tensor in batch)
        mixture, reference = batch if self._render is None else _waited(self._render, *batch)
        taught: tuple[Tensor, ...] = () if self._teach is None else _waited(self._teach, mixture)
        for learner, update in self._updates:
            rate = torch.full((), learner.count(len(mixture), share), device=self.device)
            if learner is self.teacher:
                taught = _waited(update, mixture, reference, rate)
            else:
                update(mixture, reference, rate, *taught)

    def _wait(self) -> None:
        for _, update in self._updates:
            update.wait()

    def _pass(self, teacher: nn.Module) -> Callable[..., tuple[Tensor, ...]]:
        def run(mixture: Tensor) -> tuple[Tensor, ...]:
            precision = self.settings.optimiser.precision
            with torch.no_grad(), layer_inputs(teacher, self._layers) as features:
                estimates = estimates_of(teacher, mixture, delay_of(teacher), precision)
            return TeacherOutput(estimates, features).tensors

        return run

    def _update_of(self, learner: Learner) -> Callable[..., tuple[Tensor, ...]]:
        def run(mixture: Tensor, reference: Tensor, rate: Tensor, *taught: Tensor) -> tuple[Tensor, ...]:
            if learner is self.teacher:
                return learner.learn(mixture, reference, rate, layers=self._layers).tensors
            learner.learn(
                mixture, reference, rate, TeacherOutput.from_tensors(self._layers, taught) if taught else None
            )
            return ()

        return run


def _waited(work: Captured, *inputs: Tensor) -> tuple[Tensor, ...]:
    outputs = work(*inputs)
    work.wait()
    return outputs


def _listed(scores: list[float]) -> str:
    return " ".join(f"{score:.2f}" for score in scores)


class _Stop:
    """A request to end, which the loop reads after the current update."""

    requested = False

    def request(self, *_: object) -> None:
        self.requested = True
