"""Where batches come from: recordings that are mixed anew for each batch, or a prepared set of mixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..data.collection import Collection
from ..data.corpus import SAMPLE_RATE
from ..data.datasets import PreparedBatches, PreparedMixtures, fixed_set
from ..losses import reorder
from ..separators.calling import delay_of, sources_of
from .loading import loaded
from .mixtures import Mixtures, SceneBatches
from .rates import Rate, at_rate, rendered_at
from .render_device import SceneBatch, render_batch
from .settings import TrainingSettings
from .sounds import load_sounds
from .validation import KNOWN, MixtureSet, known_set, validation_sets

#: batches that a run may draw before their numbers repeat
BATCHES = 100_000_000


@dataclass(frozen=True)
class BatchSource:
    """Batches by number, and how they become mixtures on the device of the separators.

    Args:
        data: tuples of tensors.
        render: from such a tuple, on the device, to ``mixture (batch, samples)`` and ``references (batch, sources,
            samples)``; ``None`` if the tuple is that already.
    """

    data: Dataset[tuple[Tensor, Tensor]] | Dataset[SceneBatch]
    render: Callable[..., tuple[Tensor, Tensor]] | None = None


def batch_source(settings: TrainingSettings, on_device: bool, separator: nn.Module | None = None) -> BatchSource:
    """The batches of a run.

    Args:
        settings: the run.
        on_device: render mixtures of recordings on the device, instead of in worker processes.
        separator: whose sample rate they get; ``None`` leaves that of the data.
    """
    if not on_device or settings.dataset.name != "recordings":
        return BatchSource(training_batches(settings, separator=separator))
    mixtures = settings.mixtures
    scenes = SceneBatches(mixtures, load_sounds(Collection(settings.data), "train", mixtures), BATCHES, settings.seed)
    render = partial(_render, moves_formants=mixtures.formants > 0)
    return BatchSource(scenes, rendered_at(render, rate_of(settings, separator)))


def rate_of(settings: TrainingSettings, separator: nn.Module | None) -> Rate:
    """From the rate of a run's data to that of a separator."""
    prepared = settings.dataset.name != "recordings"
    return Rate.of(separator, settings.dataset.sample_rate if prepared else SAMPLE_RATE)


def training_batches(
    settings: TrainingSettings, seed: int | None = None, separator: nn.Module | None = None
) -> Dataset[tuple[Tensor, Tensor]]:
    """Batches to train on, by number: ``(mixture (batch, samples), references (batch, sources, samples))``.

    Args:
        settings: the run.
        seed: instead of that of the run.
        separator: whose sample rate they get; ``None`` leaves that of the data.
    """
    rate = rate_of(settings, separator)
    seed, mixtures = settings.seed if seed is None else seed, settings.mixtures
    if settings.dataset.name != "recordings":
        prepared = PreparedMixtures(settings.data, settings.dataset, settings.dataset.train, mixtures.seconds)
        return at_rate(PreparedBatches(prepared, mixtures.batch, BATCHES, seed), rate)
    sounds = load_sounds(Collection(settings.data), "train", mixtures)
    return at_rate(Mixtures(mixtures, sounds, BATCHES, seed), rate)


def ordered_batches(
    settings: TrainingSettings, separator: nn.Module, seed: int, workers: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Training batches with the references in the order of a separator's sources.

    Args:
        settings: the run.
        separator: the dense one, in whose order masks are to be learned.
        seed: of the batches.
        workers: processes that make them, 0 for this one.
    """
    delay, data = delay_of(separator), training_batches(settings, seed, separator)
    for mixture, reference in loaded(data, workers):
        with torch.no_grad():
            guide = sources_of(separator, mixture, delay)
        reference[..., : guide.shape[-1]] = reorder(reference[..., : guide.shape[-1]], guide)
        yield mixture, reference


def validation_mixtures(settings: TrainingSettings, separator: nn.Module | None = None) -> dict[str, MixtureSet]:
    """The fixed mixtures that a run is scored on, by condition.

    Args:
        settings: the run.
        separator: whose sample rate they get; ``None`` leaves that of the data.

    Shape:
        - mixtures: ``(count, samples)``, references: ``(count, sources, samples)``
    """
    if settings.dataset.name != "recordings":
        prepared = PreparedMixtures(settings.data, settings.dataset, "valid", seconds=4.0)
        sets = {"valid": fixed_set(prepared, settings.validation_mixtures)}
    else:
        collection, count = Collection(settings.data), settings.validation_mixtures
        sets = validation_sets(collection, settings.mixtures, count)
        if settings.known_speakers:
            sets[KNOWN] = known_set(collection, settings.mixtures, count)
    rate = rate_of(settings, separator)
    return {name: rate.of_batch(*signals) for name, signals in sets.items()}


def _render(*tensors: Tensor, moves_formants: bool) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        return render_batch(SceneBatch(*tensors), moves_formants)
