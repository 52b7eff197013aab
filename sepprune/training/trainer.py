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
from torch.utils.data import DataLoader, SequentialSampler, Subset

from ..errors import UserError
from .corpus import Collection, load_voices
from .losses import DeepClustering, ordered_snr_loss, pit_snr_loss, reorder
from .mixtures import Mixtures
from .records import RunFolder
from .settings import TrainingSettings
from .validation import si_sdr_improvement, validation_set

#: batches a run may draw before their numbers would repeat
_BATCHES = 100_000_000


class Trainer:
    """Trains one separator.

    Args:
        settings: the run.
        separator: module from mixture ``(batch, samples)`` to ``(sources, state)``.
        teacher: frozen separator whose source order the student learns, instead of any order that fits.
        resume: go on from the run folder's last checkpoint.
    """

    def __init__(self, settings: TrainingSettings, separator: nn.Module, teacher: nn.Module | None = None,
                 resume: bool = False) -> None:
        self.settings, self.teacher = settings, teacher
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if self.device.type == "cpu" and settings.threads:
            torch.set_num_threads(settings.threads)
        self.separator = separator.to(self.device)
        if teacher is not None:
            teacher.to(self.device).eval().requires_grad_(False)
        self.average = copy.deepcopy(separator).requires_grad_(False)
        optimiser = settings.optimiser
        self.clustering = None
        if optimiser.deep_clustering and teacher is None:
            self.clustering = DeepClustering(_mask_inputs(separator), separator.bins).to(self.device)
            self._hidden: list[Tensor] = []
            separator.mask.register_forward_pre_hook(lambda _, inputs: self._hidden.append(inputs[0]))
        learners = [separator, *([self.clustering] if self.clustering else [])]
        self.parameters = [parameter for module in learners for parameter in module.parameters()]
        self.optimiser = torch.optim.Adam(self.parameters, lr=optimiser.learning_rate, fused=True)
        self.steps, self.seconds, self.best = 0, 0.0, -math.inf
        self.folder = RunFolder(Path(settings.out))
        if resume:
            self._load(self.folder.load_checkpoint(self.device))
        elif self.folder.has_checkpoint:
            raise UserError(f"{settings.out} already holds a run: add --resume to go on, or choose another `out`")
        self.folder.write_settings(asdict(settings))

    @property
    def audio_hours(self) -> float:
        """Hours of mixtures heard."""
        return self.steps * self.settings.mixtures.batch * self.settings.mixtures.seconds / 3600

    def run(self, minutes: float, cooldown: bool = False) -> dict[str, Any]:
        """Train for so many minutes; with ``cooldown`` the learning rate falls linearly to zero meanwhile.

        A termination signal ends the run as the clock would: it validates and saves, then returns.
        """
        batches = self._batches()
        mixtures, references = validation_set(self._collection, self.settings.validation_mixtures)
        limit, started = minutes * 60, time.monotonic()
        due, losses, stop = self.settings.validate_minutes * 60, [], _StopSignal()
        before = self.seconds
        self.separator.train()
        with stop, Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()) as progress:
            bar = progress.add_task("training", total=limit)
            while True:
                elapsed = time.monotonic() - started
                finished = elapsed >= limit or stop.requested
                if finished or elapsed >= due:
                    self.seconds = before + elapsed
                    score = self._validate(mixtures, references, losses)
                    progress.update(bar, completed=elapsed, description=self._describe(score))
                    losses, due = [], time.monotonic() - started + self.settings.validate_minutes * 60
                    if finished:
                        break
                rate = self.settings.optimiser.learning_rate
                rate *= min(1.0, (self.steps + 1) / self.settings.optimiser.warmup)
                losses.append(self._update(*next(batches), rate * (1 - elapsed / limit if cooldown else 1.0)))
                if self.steps % 20 == 0:
                    progress.update(bar, completed=elapsed)
        return {"best_si_sdri": self.best, "steps": self.steps, "audio_hours": self.audio_hours,
                "seconds": self.seconds}

    def _describe(self, score: float) -> str:
        return f"{self.audio_hours:.1f} h of mixtures, SI-SDRi {score:.2f} dB, best {self.best:.2f} dB"

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        self._collection = Collection(self.settings.data)
        noise = load_voices(self._collection, "train", "noise") if self.settings.mixtures.noise else None
        data = Mixtures(self.settings.mixtures, load_voices(self._collection, "train", "speech"), noise, _BATCHES,
                        self.settings.seed)
        rest = Subset(data, range(self.steps, _BATCHES))
        workers = 1 if self.device.type == "cpu" else min(12, os.cpu_count() or 1)
        return iter(DataLoader(rest, batch_size=None, sampler=SequentialSampler(rest), num_workers=workers,
                               prefetch_factor=4, multiprocessing_context="fork" if os.name == "posix" else None,
                               pin_memory=self.device.type == "cuda"))

    def _update(self, mixture: Tensor, reference: Tensor, learning_rate: float) -> float:
        mixture, reference = mixture.to(self.device), reference.to(self.device)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        loss = self._loss(mixture, reference)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.settings.optimiser.clip)
        if torch.isfinite(norm):
            self.optimiser.step()
        self.steps += 1
        decay = min(self.settings.optimiser.ema, self.steps / (self.steps + 10))
        with torch.no_grad():
            for mean, now in zip(self.average.state_dict().values(), self.separator.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(now)
        return float(loss.detach())

    def _loss(self, mixture: Tensor, reference: Tensor) -> Tensor:
        delay = getattr(self.separator, "delay", 0)
        bf16 = self.settings.optimiser.precision == "bf16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
            estimate = self.separator(mixture)[0][..., delay:].float()
        target = reference[..., :estimate.shape[-1]]
        if self.teacher is not None:
            with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16, enabled=bf16):
                guide = self.teacher(mixture)[0][..., delay:].float()
            return ordered_snr_loss(estimate, reorder(target, guide))
        loss = pit_snr_loss(estimate, target)
        if self.clustering is not None:
            optimiser, hidden = self.settings.optimiser, self._hidden.pop()
            weight = optimiser.deep_clustering * max(0.0, 1 - self.audio_hours / optimiser.deep_clustering_hours)
            with torch.no_grad():
                spectra = self._spectra(reference)
            if weight:
                loss = loss + weight * self.clustering(hidden.float(), spectra)
        return loss

    def _spectra(self, reference: Tensor) -> Tensor:
        rows = reference.flatten(0, 1)
        encoder = self.separator.encoder
        return encoder(rows, encoder.initial_state(len(rows)))[0].unflatten(0, reference.shape[:2])

    def _validate(self, mixtures: Tensor, references: Tensor, losses: list[float]) -> float:
        score = si_sdr_improvement(self.average, mixtures, references)
        self.best = max(self.best, score)
        state = {"separator": self.separator.state_dict(), "average": self.average.state_dict(),
                 "optimiser": self.optimiser.state_dict(), "steps": self.steps, "seconds": self.seconds,
                 "best": self.best}
        if self.clustering is not None:
            state["clustering"] = self.clustering.state_dict()
        self.folder.save(state, self.average.state_dict() if score == self.best else None, {
            "steps": self.steps, "seconds": round(self.seconds, 1), "audio_hours": round(self.audio_hours, 3),
            "loss": sum(losses) / max(1, len(losses)), "si_sdri": score,
            "learning_rate": self.optimiser.param_groups[0]["lr"]})
        return score

    def _load(self, state: dict[str, Any]) -> None:
        self.separator.load_state_dict(state["separator"])
        self.average.load_state_dict(state["average"])
        if self.clustering is not None and "clustering" in state:
            self.clustering.load_state_dict(state["clustering"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.seconds, self.best = state["steps"], state["seconds"], state["best"]


def _mask_inputs(separator: nn.Module) -> int:
    layer = separator.mask
    return layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels


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
