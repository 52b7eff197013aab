"""A separator that learns: its optimiser, its averaged weights, and the run folder that keeps both."""

from __future__ import annotations

import copy
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..ladders.hints import Hints, Lesson, arriving, imitated
from ..losses import ordered_snr_loss, pit_snr_loss, reorder
from ..separators.calling import delay_of, estimates_of
from .optimisers import build_optimisers, freeze
from .processes import Processes
from .records import RunFolder
from .settings import TrainingSettings
from .validation import MixtureSet, si_sdr_improvement


class Student:
    """One separator in training. Several of them can hear the same mixtures, see :class:`~.trainer.Trainer`.

    Args:
        settings: the run; ``out`` is this separator's own folder.
        separator: module from mixture ``(batch, samples)`` to ``(sources, state)``, or to sources.
        resume: go on from the run folder's last checkpoint.
        processes: the processes of this run, entered; ``None`` for this one alone.
        hints: what it has in common with its teacher, where layers are to be imitated.

    Raises:
        UserError: the run folder already holds a run and ``resume`` is not asked for, or the reverse.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        separator: nn.Module,
        resume: bool = False,
        processes: Processes | None = None,
        hints: Hints | None = None,
    ) -> None:
        self.settings, processes = settings, processes or Processes()
        self.processes, self.hints = processes.count, hints
        self.separator = separator.to(processes.device)
        self.average = copy.deepcopy(separator).requires_grad_(False)
        freeze(separator, settings.optimiser.frozen)
        self.optimiser = build_optimisers(separator, settings.optimiser, processes.count)
        self.steps, self.batches, self.audio_hours, self.seconds, self.best = 0, 0, 0.0, 0.0, -math.inf
        self.losses: list[float] = []
        self.folder = RunFolder(Path(settings.out))
        if resume:
            self._load(self.folder.load_checkpoint(processes.device))
        elif self.folder.has_checkpoint:
            raise UserError(f"{settings.out} already holds a run: add --resume to go on, or choose another `out`")
        # a layer without outputs wrote the state of a block that pruning has removed: what leads to it is idle
        idle = any(weight.shape[:1] == (0,) for weight in separator.parameters())
        self.spread = processes.spread(self.separator, idle)
        if processes.first:
            self.folder.write_settings(asdict(settings))

    @property
    def report(self) -> dict[str, Any]:
        """What the run has come to."""
        return {
            "best_si_sdri": self.best,
            "steps": self.steps,
            "audio_hours": self.audio_hours,
            "seconds": self.seconds,
        }

    def update(self, mixture: Tensor, reference: Tensor, lesson: Lesson | None, share: float) -> None:
        """Learn from a batch.

        Args:
            mixture: what is heard.
            reference: what was said.
            lesson: of a teacher, whose order of the sources this separator takes on; ``None`` leaves it any order.
            share: of the full learning rate.

        Shape:
            - mixture: ``(batch, samples)``; reference: ``(batch, sources, samples)``
            - the lesson's estimates: as reference, or shorter at the end
        """
        self.optimiser.learning_rate = self._learning_rate(share)
        loss = self._loss(mixture, reference, lesson)
        self.optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.separator.parameters(), self.settings.optimiser.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.steps += 1
        self.batches += self.processes
        self.audio_hours += self.processes * mixture.shape[0] * self.settings.mixtures.seconds / 3600
        self._update_average()
        self.losses.append(float(loss.detach()))

    def validate(self, validation: dict[str, MixtureSet]) -> float:
        """Score the averaged weights, save the state, and keep the weights where they are the best so far.

        Returns:
            mean SI-SDR improvement over the conditions.
        """
        scores = {name: si_sdr_improvement(self.average, *mixtures) for name, mixtures in validation.items()}
        score = sum(scores.values()) / len(scores)
        self.best = max(self.best, score)
        state = {
            "separator": self.separator.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "batches": self.batches,
            "audio_hours": self.audio_hours,
            "seconds": self.seconds,
            "best": self.best,
        }
        self.folder.save(
            state,
            self.average.state_dict() if score == self.best else None,
            {
                "steps": self.steps,
                "seconds": round(self.seconds, 1),
                "audio_hours": round(self.audio_hours, 3),
                "loss": sum(self.losses) / max(1, len(self.losses)),
                "si_sdri": score,
                "learning_rate": self.optimiser.learning_rate,
                **({} if len(scores) == 1 else {f"si_sdri_{name}": value for name, value in scores.items()}),
            },
        )
        self.losses.clear()
        return score

    def _learning_rate(self, share: float) -> float:
        optimiser = self.settings.optimiser
        return optimiser.learning_rate * max(0.0, share) * min(1.0, (self.steps + 1) / optimiser.warmup)

    def _loss(self, mixture: Tensor, reference: Tensor, lesson: Lesson | None) -> Tensor:
        with arriving(self.separator, imitated(self.hints)) as features:
            estimate = estimates_of(self.spread, mixture, delay_of(self.separator), self.settings.optimiser.precision)
        target = reference[..., : estimate.shape[-1]]
        if lesson is None:
            return pit_snr_loss(estimate, target)
        share, guide = self.settings.imitation, lesson.estimates
        loss = ordered_snr_loss(estimate, reorder(target, guide))
        if share:
            loss = (1 - share) * loss + share * ordered_snr_loss(estimate, guide)
        if self.hints:
            loss = loss + self.settings.hint_weight * self.hints.distance(features, lesson.features)
        return loss

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.optimiser.ema, self.steps / (self.steps + 10))
        for mean, now in zip(self.average.state_dict().values(), self.separator.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(now, 1 - decay)
            else:
                mean.copy_(now)

    def _load(self, state: dict[str, Any]) -> None:
        self.separator.load_state_dict(state["separator"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.batches, self.audio_hours, self.seconds, self.best = (
            state[name] for name in ("steps", "batches", "audio_hours", "seconds", "best")
        )
