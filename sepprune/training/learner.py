"""A separator that learns: its loss, its optimiser, its averaged weights, and the run folder that keeps them."""

from __future__ import annotations

import copy
import math
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..losses import ordered_snr_loss, pit_snr_loss, reorder, settled_snr_loss
from ..separators.base import CausalSeparator
from ..separators.calling import delay_of, estimates_of
from .lessons import Hints, TeacherOutput, compared_layers, evened, layer_inputs
from .limits import check_limits
from .optimiser import Optimiser, freeze
from .processes import Processes
from .records import RunFolder
from .settings import TrainingSettings
from .validation import KNOWN, MixtureSet, si_sdr_improvements


@dataclass
class Counters:
    """How far a run has come.

    Args:
        steps: updates.
        batches: batches that all processes have drawn together.
        audio_hours: hours of mixtures in them.
        seconds: training time.
        best: best validation score so far, SI-SDR improvement in dB.
    """

    steps: int = 0
    batches: int = 0
    audio_hours: float = 0.0
    seconds: float = 0.0
    best: float = -math.inf


class Learner:
    """One separator in training. Several can learn from the same mixtures, see :class:`~.trainer.Trainer`.

    Args:
        settings: the run; ``out`` is the run folder of this separator.
        separator: module from mixture ``(batch, samples)`` to ``(sources, state)``, or to sources.
        resume: continue from the last checkpoint in the run folder.
        processes: the processes of this run, entered; ``None`` for this one alone.
        hints: compares its layers with those of a teacher.

    Raises:
        UserError: a setting is impossible; the run folder already holds a run and ``resume`` is false, or holds none
            and it is true.
    """

    def __init__(
        self,
        settings: TrainingSettings,
        separator: nn.Module,
        resume: bool = False,
        processes: Processes | None = None,
        hints: Hints | None = None,
    ) -> None:
        check_limits(settings)
        if isinstance(separator, CausalSeparator) and separator.sources != 2:
            raise UserError(f"the separator has {separator.sources} sources and mixtures have 2: set `sources` to 2")
        processes = processes or Processes()
        self.settings, self.hints, self.processes = settings, hints, processes
        self.separator = separator.to(processes.device)
        processes.share_weights(self.separator)
        self.average = copy.deepcopy(separator).requires_grad_(False)
        freeze(separator, settings.optimiser.frozen)
        self.optimiser = Optimiser(separator, self.average, settings.optimiser, processes)
        self.counters, self.learning_rate = Counters(), 0.0
        self._loss_sum, self._logged_steps = torch.zeros((), device=processes.device), 0
        self.folder = RunFolder(Path(settings.out))
        if resume:
            self._load(self.folder.load_checkpoint(processes.device))
        elif self.folder.has_checkpoint:
            raise UserError(f"{settings.out} already holds a run: add --resume to continue it, or choose another `out`")
        if processes.first:
            self.folder.check()
            self.folder.write_settings(asdict(settings))

    @property
    def report(self) -> dict[str, Any]:
        """Results of the run so far."""
        return {
            "best_si_sdri": self.counters.best,
            "steps": self.counters.steps,
            "audio_hours": self.counters.audio_hours,
            "seconds": self.counters.seconds,
        }

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors that :meth:`learn` changes."""
        modules = [*self.separator.state_dict().values(), *self.average.state_dict().values()]
        return [*modules, *self.optimiser.state_dict().values(), self._loss_sum]

    def count(self, mixtures: int, share: float) -> float:
        """Count one update.

        Args:
            mixtures: mixtures in the batch of this process.
            share: of the full learning rate.

        Returns:
            The step size of this update.
        """
        optimiser, counters = self.settings.optimiser, self.counters
        counters.steps += 1
        counters.batches += self.processes.count
        counters.audio_hours += self.processes.count * mixtures * self.settings.mixtures.seconds / 3600
        warm = min(1.0, counters.steps / max(1, optimiser.warmup))
        self.learning_rate = optimiser.learning_rate * max(0.0, share) * warm
        return self.learning_rate

    def learn(
        self,
        mixture: Tensor,
        reference: Tensor,
        rate: Tensor,
        teacher: TeacherOutput | None = None,
        layers: Collection[str] = (),
    ) -> TeacherOutput:
        """One update. No step depends on the host, so a CUDA graph can capture it.

        Args:
            mixture: input of the separator.
            reference: the sources.
            rate: step size, a scalar on the device.
            teacher: its outputs for this mixture; the separator learns the teacher's order of sources. ``None``: any
                order is right.
            layers: of this separator, that other learners compare theirs with.

        Returns:
            Outputs of this separator before the update.

        Shape:
            - mixture: ``(batch, samples)``; reference: ``(batch, sources, samples)``
        """
        separator, precision = self.separator, self.settings.optimiser.precision
        with layer_inputs(separator, {*layers, *compared_layers(self.hints)}) as features:
            estimate = estimates_of(separator, mixture, delay_of(separator), precision)
        if self.settings.even_gradients:
            estimate.register_hook(partial(evened, mixture=mixture))
        loss = self._loss(estimate, reference[..., : estimate.shape[-1]], features, teacher)
        for weight in self.optimiser.parameters:
            weight.grad = None
        loss.backward()
        self.optimiser.step(rate)
        self._loss_sum += loss.detach()
        return TeacherOutput(estimate.detach(), {name: features[name].detach() for name in layers})

    def mean_loss(self) -> float:
        """Mean of the loss over the updates since the last validation."""
        return float(self._loss_sum) / max(1, self.counters.steps - self._logged_steps)

    def validate(self, validation: dict[str, MixtureSet]) -> float:
        """Score the averaged weights, save the state, and keep the weights if they are the best so far.

        Every process calls this and scores its share of the mixtures; the first one writes.

        Returns:
            Mean SI-SDR improvement over the conditions, in dB, without that of known speakers.
        """
        scores = {name: self._score(*mixtures) for name, mixtures in validation.items()}
        counted = [value for name, value in scores.items() if name != KNOWN]
        score = sum(counted) / len(counted)
        best = score >= self.counters.best
        self.counters.best = max(self.counters.best, score)
        line = {
            "steps": self.counters.steps,
            "seconds": round(self.counters.seconds, 1),
            "audio_hours": round(self.counters.audio_hours, 3),
            "loss": self.mean_loss(),
            "si_sdri": score,
            "learning_rate": self.learning_rate,
            **({} if len(scores) == 1 else {f"si_sdri_{name}": value for name, value in scores.items()}),
        }
        if self.processes.first:
            self.folder.save(self._state(), self.average.state_dict() if best else None, line)
        self._loss_sum.zero_()
        self._logged_steps = self.counters.steps
        return score

    def _score(self, mixtures: Tensor, references: Tensor) -> float:
        """Mean SI-SDR improvement over mixtures of which every process scores a share."""
        share = slice(self.processes.rank, None, self.processes.count)
        total = torch.zeros((), device=self.processes.device)
        if len(mixtures[share]):
            total += si_sdr_improvements(self.average, mixtures[share], references[share]).sum()
        self.processes.add_up(total)
        return float(total) / len(mixtures)

    def _loss(
        self, estimate: Tensor, target: Tensor, features: dict[str, Tensor], teacher: TeacherOutput | None
    ) -> Tensor:
        if teacher is None:
            share = self.settings.settle_seconds / self.settings.mixtures.seconds
            start = round(share * target.shape[-1])
            return settled_snr_loss(estimate, target, start) if start > 0 else pit_snr_loss(estimate, target)
        share, guide = self.settings.imitation, teacher.estimates
        # a teacher of another latency gives a few samples more or fewer
        samples = min(estimate.shape[-1], guide.shape[-1])
        estimate, target, guide = (signal[..., :samples] for signal in (estimate, target, guide))
        loss = ordered_snr_loss(estimate, reorder(target, guide))
        if share:
            loss = (1 - share) * loss + share * ordered_snr_loss(estimate, guide)
        if self.hints is not None:
            loss = loss + self.settings.hint_weight * self.hints.distance(features, teacher.features)
        return loss

    def _state(self) -> dict[str, Any]:
        return {
            "separator": self.separator.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "counters": asdict(self.counters),
        }

    def _load(self, state: dict[str, Any]) -> None:
        if "counters" not in state:
            raise UserError(
                f"the checkpoint in {self.settings.out} was written by an older version: start a new run from its "
                "best.safetensors, as `weights` under [model]"
            )
        self.separator.load_state_dict(state["separator"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.counters = Counters(**state["counters"])
        self._logged_steps = self.counters.steps
