"""Training a dense separator and its pruned levels side by side on one GPU, in CUDA graphs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from ..ladders.hints import Hints, Lesson, arriving, imitated
from ..losses import pairwise_snr
from ..separators.calling import delay_of
from .device_mixtures import DeviceMixtures
from .device_optimiser import DeviceOptimiser
from .optimisers import freeze
from .settings import OptimiserSettings

#: updates of which the host does not know whether they have been done
_AHEAD = 20


class Learner:
    """One separator on a device, with the average of its weights.

    Args:
        separator: module with ``step`` and ``initial_state``, see :class:`~sepprune.separators.base.CausalSeparator`.
        settings: how it learns; ``method`` is always Muon here.
        imitation, hint_weight: see :class:`~.settings.TrainingSettings`.
        hints: what it has in common with its teacher, where layers are to be imitated.
    """

    def __init__(
        self,
        separator: nn.Module,
        settings: OptimiserSettings,
        imitation: float = 0.0,
        hints: Hints | None = None,
        hint_weight: float = 0.0,
    ) -> None:
        self.separator, self.settings, self.imitation = separator, settings, imitation
        self.hints, self.hint_weight = hints, hint_weight
        self.average = copy.deepcopy(separator).requires_grad_(False)
        freeze(separator.requires_grad_(), settings.frozen)
        self.optimiser = DeviceOptimiser(separator, self.average, settings)
        self.device = self.optimiser.learning_rate.device
        self._losses, self.updates, self._counted = torch.zeros((), device=self.device), 0, 0

    def estimates(self, mixture: Tensor, precision: str) -> Tensor:
        """Sources in step with the mixture, whole segments at once."""
        separator = self.separator
        frames, segment = mixture.shape[1] // separator.hop, separator.segment
        segments = frames // segment if segment and frames % segment == 0 else 1
        with torch.autocast(mixture.device.type, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False):
            sources, _ = separator.step(mixture, separator.initial_state(len(mixture)), segments)
        return sources[..., delay_of(separator) :].float()

    def say(self, mixture: Tensor, layers: Collection[str] = ()) -> Lesson:
        """Its estimates, and what arrives at these layers."""
        with arriving(self.separator, layers) as features:
            return Lesson(self.estimates(mixture, self.settings.precision), features)

    def learn(
        self, mixture: Tensor, references: Tensor, lesson: Lesson | None = None, layers: Collection[str] = ()
    ) -> Lesson:
        """One update.

        Args:
            mixture: ``(batch, samples)``.
            references: ``(batch, 2, samples)``.
            lesson: of a teacher, or ``None``, where any order of the sources will do.
            layers: of this separator, that others imitate.

        Returns:
            what this separator said before the update.
        """
        said = self.say(mixture, {*layers, *imitated(self.hints)})
        estimates, references = said.estimates, references[..., : said.estimates.shape[-1]]
        if lesson is None:
            loss = -_orders(estimates, references).amax(0).mean()
        else:
            guide = lesson.estimates
            straight, crossed = _orders(guide, references)
            ordered = torch.where((crossed > straight)[:, None, None], references.flip(1), references)
            loss = -(1 - self.imitation) * _orders(estimates, ordered)[0].mean()
            if self.imitation:
                loss = loss - self.imitation * _orders(estimates, guide)[0].mean()
            if self.hints:
                loss = loss + self.hint_weight * self.hints.distance(said.features, lesson.features)
        self.optimiser.step(torch.autograd.grad(loss, self.optimiser.parameters))
        self._losses += loss.detach()
        return said

    def mean_loss(self) -> float:
        """Since the last call."""
        mean = float(self._losses) / max(1, self.updates - self._counted)
        self._losses.zero_()
        self._counted = self.updates
        return mean

    def set_learning_rate(self, share: float) -> None:
        """``share`` of the settings' step size, less while it warms up."""
        self.updates += 1
        warm = min(1.0, self.updates / max(1, self.settings.warmup))
        self.optimiser.learning_rate.fill_(self.settings.learning_rate * share * warm)


def _orders(estimates: Tensor, references: Tensor) -> Tensor:
    """Mean SNR in dB of two sources in the given and in the other order, ``(2, batch)``."""
    score = pairwise_snr(estimates, references)
    return torch.stack([score[:, 0, 0] + score[:, 1, 1], score[:, 0, 1] + score[:, 1, 0]]) / 2


class Together:
    """The dense learner and its students: mixtures are made once, and what the dense one says guides the students.

    On a GPU every part (mixing, each learner's update) is one CUDA graph on a stream of its own: small layers, of
    which each leaves most of the GPU idle, run beside each other, and the host has nothing to do. Students hear a
    batch while the dense learner hears the next.

    Args:
        mixtures: where they come from, on the device.
        dense: learns from the references alone.
        students: learn from the dense one, too.
    """

    def __init__(self, mixtures: DeviceMixtures, dense: Learner, students: Sequence[Learner] = ()) -> None:
        self.dense, self.students, self.updates = dense, list(students), 0
        self.device = dense.device
        batch, length = mixtures.batch, mixtures.length
        made, self._heard, self._again = (
            (torch.zeros(batch, length, device=self.device), torch.zeros(batch, 2, length, device=self.device))
            for _ in range(3)
        )
        self._made = made
        layers = imitated(*(student.hints for student in self.students))
        with torch.no_grad():
            sample = dense.say(made[0], layers)
        self._said, self._lesson = (_blank(sample) for _ in range(2))
        self._mix = _Part(lambda: _copy(mixtures(), made), self.device)
        self._teach = _Part(
            lambda: _copy(_tensors(dense.learn(*self._heard, layers=layers)), _tensors(self._said)), self.device
        )
        self._follow = [
            _Part(lambda student=student: student.learn(*self._again, self._lesson), self.device)
            for student in self.students
        ]

    def prepare(self) -> None:
        """Capture all parts, on a first batch that is heard with a step size of zero."""
        self._mix.prepare()
        self._mix.run()
        _synchronize(self.device)
        _copy(self._made, self._heard)
        self._teach.prepare()
        self._teach.run()
        _synchronize(self.device)
        _copy((*self._heard, *_tensors(self._said)), (*self._again, *_tensors(self._lesson)))
        for part in self._follow:
            part.prepare()
        _synchronize(self.device)
        for learner in (self.dense, *self.students):
            learner.mean_loss()  # forgets the first batch

    def run(self, share: Callable[[], float]) -> Iterator[int]:
        """Train until ``share()``, the share of the full step size, is 0; gives the number of updates now and then."""
        taken, told = _Event(self.device), _Event(self.device)
        while (now := share()) > 0:
            with self._mix.stream_context():
                taken.wait()
                self._mix.run()
            with self._teach.stream_context():
                self._mix.done.wait()
                _copy(self._made, self._heard)
                taken.record()
                self.dense.set_learning_rate(now)
                self._teach.run()
                for part in self._follow:
                    part.done.wait()
                _copy((*self._heard, *_tensors(self._said)), (*self._again, *_tensors(self._lesson)))
                told.record()
            for student, part in zip(self.students, self._follow, strict=True):
                with part.stream_context():
                    told.wait()
                    student.set_learning_rate(now)
                    part.run()
            self.updates += 1
            if self.updates % _AHEAD == 0:
                _synchronize(self.device)
                yield self.updates
        _synchronize(self.device)


class _Part:
    """Work that is always the same: a CUDA graph on a stream of its own, or just called where there is no GPU."""

    def __init__(self, work: Callable[[], object], device: torch.device) -> None:
        self._work, self._cuda, self._graph = work, device.type == "cuda", None
        self._stream = torch.cuda.Stream(device) if self._cuda else None
        self.done = _Event(device)

    def stream_context(self) -> AbstractContextManager[object]:
        return torch.cuda.stream(self._stream)

    def prepare(self) -> None:
        if not self._cuda:
            return
        self._stream.wait_stream(torch.cuda.current_stream())
        with self.stream_context():
            for _ in range(3):  # libraries set themselves up
                self._work()
        torch.cuda.synchronize()
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, stream=self._stream):
            self._work()

    def run(self) -> None:
        with self.stream_context():
            if self._graph is None:
                self._work()
            else:
                self._graph.replay()
            self.done.record()


class _Event:
    """A CUDA event, of which nothing is left where there is no GPU."""

    def __init__(self, device: torch.device) -> None:
        self._event = torch.cuda.Event() if device.type == "cuda" else None

    def record(self) -> None:
        if self._event is not None:
            self._event.record()

    def wait(self) -> None:
        """Let the current stream wait; for nothing, where nothing was recorded."""
        if self._event is not None:
            self._event.wait()


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _copy(sources: Sequence[Tensor], targets: Sequence[Tensor]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source.detach())


def _blank(lesson: Lesson) -> Lesson:
    return Lesson(
        torch.zeros_like(lesson.estimates),
        {name: torch.zeros_like(features) for name, features in lesson.features.items()},
    )


def _tensors(lesson: Lesson) -> list[Tensor]:
    return [lesson.estimates, *lesson.features.values()]
