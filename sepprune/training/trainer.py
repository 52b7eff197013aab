"""The training loop: time-boxed, resumable after a kill at any moment, keeps the best weights."""

from __future__ import annotations

import copy
import math
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from ..errors import UserError
from .batches import BATCHES, training_batches, validation_mixtures
from .losses import ordered_snr_loss, pit_snr_loss, reorder
from .optimisers import build_optimisers, freeze
from .processes import Processes
from .records import RunFolder
from .settings import TrainingSettings
from .sources import delay_of, sources_of
from .validation import MixtureSet, si_sdr_improvement

_GO_ON, _VALIDATE, _FINISH = range(3)


class Trainer:
    """Trains one separator, alone or as one of several processes.

    Args:
        settings: the run.
        separator: module from mixture ``(batch, samples)`` to ``(sources, state)``.
        teacher: frozen separator whose source order the student learns, instead of any order that fits.
        resume: go on from the run folder's last checkpoint.
        processes: the processes of this run, entered; ``None`` for this one alone.

    Raises:
        UserError: the run folder already holds a run and ``resume`` is not asked for, or the reverse.
    """

    def __init__(self, settings: TrainingSettings, separator: nn.Module, teacher: nn.Module | None = None,
                 resume: bool = False, processes: Processes | None = None) -> None:
        self.settings, self.teacher, self.processes = settings, teacher, processes or Processes()
        self.device = self.processes.device
        if self.device.type == "cpu" and settings.threads:
            torch.set_num_threads(settings.threads)
        self.separator = separator.to(self.device)
        self.average = copy.deepcopy(separator).requires_grad_(False)
        if teacher is not None:
            teacher.to(self.device).eval().requires_grad_(False)
        freeze(separator, settings.optimiser.frozen)
        self.optimiser = build_optimisers(separator, settings.optimiser, self.processes.count)
        self.steps, self.batches, self.audio_hours, self.seconds, self.best = 0, 0, 0.0, 0.0, -math.inf
        self.folder = RunFolder(Path(settings.out))
        if resume:
            self._load(self.folder.load_checkpoint(self.device))
        elif self.folder.has_checkpoint:
            raise UserError(f"{settings.out} already holds a run: add --resume to go on, or choose another `out`")
        self.spread = self.processes.spread(self.separator)
        if self.processes.first:
            self.folder.write_settings(asdict(settings))

    def run(self, minutes: float, cooldown: bool = False) -> dict[str, Any]:
        """Train for so many minutes; with ``cooldown`` the learning rate falls linearly to zero meanwhile.

        A termination signal ends the run as the clock would: it validates and saves, then returns.
        """
        first, batches, validation = self.processes.first, self._batches(), validation_mixtures(self.settings)
        limit, before, losses = minutes * 60, self.seconds, []
        started, stop = time.monotonic(), _StopSignal()
        due = self.settings.validate_minutes * 60
        self.separator.train()
        with stop, Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(),
                            disable=not first) as progress:
            bar = progress.add_task("training", total=limit)
            while True:
                elapsed = time.monotonic() - started
                order = _FINISH if elapsed >= limit or stop.requested else _VALIDATE if elapsed >= due else _GO_ON
                order = self.processes.agree(order)
                if order != _GO_ON:
                    self.seconds = before + elapsed
                    self.optimiser.gather()
                    if first:
                        score = self._validate(validation, losses)
                        progress.update(bar, completed=elapsed, description=self._describe(score))
                    losses, due = [], time.monotonic() - started + self.settings.validate_minutes * 60
                    if order == _FINISH:
                        break
                losses.append(self._update(*next(batches), self._learning_rate(1 - elapsed / limit if cooldown else 1)))
                if self.steps % 20 == 0:
                    progress.update(bar, completed=elapsed)
        return {"best_si_sdri": self.best, "steps": self.steps, "audio_hours": self.audio_hours,
                "seconds": self.seconds}

    def run_updates(self, updates: int) -> nn.Module:
        """Train for so many updates, over which the learning rate falls to zero; nothing is scored or written.

        For comparisons in which fast machines and small models must get no more than others.

        Returns:
            the averaged separator.
        """
        batches = self._batches()
        self.separator.train()
        for update in range(updates):
            self._update(*next(batches), self._learning_rate(1 - update / updates))
        return self.average

    def _describe(self, score: float) -> str:
        return f"{self.audio_hours:.1f} h of mixtures, SI-SDRi {score:.2f} dB, best {self.best:.2f} dB"

    def _learning_rate(self, share: float) -> float:
        optimiser = self.settings.optimiser
        return optimiser.learning_rate * max(0.0, share) * min(1.0, (self.steps + 1) / optimiser.warmup)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """This process's batches: every number is drawn by exactly one process."""
        data = training_batches(self.settings)
        count = self.processes.count
        mine = Subset(data, range(self.batches + self.processes.rank, BATCHES, count))
        workers = 1 if self.device.type == "cpu" else min(12, os.cpu_count() or 1)
        return iter(DataLoader(mine, batch_size=None, shuffle=False, num_workers=workers, prefetch_factor=4,
                               worker_init_fn=_leave_signals_to_the_parent, pin_memory=self.device.type == "cuda"))

    def _update(self, mixture: Tensor, reference: Tensor, learning_rate: float) -> float:
        self.optimiser.learning_rate = learning_rate
        loss = self._loss(mixture.to(self.device), reference.to(self.device))
        self.optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.separator.parameters(), self.settings.optimiser.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.steps += 1
        self.batches += self.processes.count
        self.audio_hours += self.processes.count * mixture.shape[0] * self.settings.mixtures.seconds / 3600
        self._update_average()
        return float(loss.detach())

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.optimiser.ema, self.steps / (self.steps + 10))
        for mean, now in zip(self.average.state_dict().values(), self.separator.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)

    def _loss(self, mixture: Tensor, reference: Tensor) -> Tensor:
        estimate = self._separate(self.spread, mixture)
        target = reference[..., :estimate.shape[-1]]
        if self.teacher is None:
            return pit_snr_loss(estimate, target)
        with torch.no_grad():
            guide = self._separate(self.teacher, mixture)
        share, loss = self.settings.imitation, ordered_snr_loss(estimate, reorder(target, guide))
        return loss if not share else (1 - share) * loss + share * ordered_snr_loss(estimate, guide)

    def _separate(self, separator: nn.Module, mixture: Tensor) -> Tensor:
        """Sources in fp32, moved to where the references are."""
        bf16 = self.settings.optimiser.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            return sources_of(separator, mixture, delay_of(self.separator)).float()

    def _validate(self, validation: dict[str, MixtureSet], losses: list[float]) -> float:
        scores = {name: si_sdr_improvement(self.average, *mixtures) for name, mixtures in validation.items()}
        score = sum(scores.values()) / len(scores)
        self.best = max(self.best, score)
        state = {"separator": self.separator.state_dict(), "average": self.average.state_dict(),
                 "optimiser": self.optimiser.state_dict(), "steps": self.steps, "batches": self.batches,
                 "audio_hours": self.audio_hours, "seconds": self.seconds, "best": self.best}
        self.folder.save(state, self.average.state_dict() if score == self.best else None, {
            "steps": self.steps, "seconds": round(self.seconds, 1), "audio_hours": round(self.audio_hours, 3),
            "loss": sum(losses) / max(1, len(losses)), "si_sdri": score,
            "learning_rate": self.optimiser.learning_rate,
            **({} if len(scores) == 1 else {f"si_sdri_{name}": value for name, value in scores.items()})})
        return score

    def _load(self, state: dict[str, Any]) -> None:
        self.separator.load_state_dict(state["separator"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.batches, self.audio_hours, self.seconds, self.best = (
            state[name] for name in ("steps", "batches", "audio_hours", "seconds", "best"))


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
