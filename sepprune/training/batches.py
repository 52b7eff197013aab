"""Where batches come from: recordings that are mixed anew each time, or a prepared set."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ..data.corpus import Collection
from ..data.datasets import PreparedBatches, PreparedMixtures, fixed_set
from ..losses import reorder
from ..separators.calling import delay_of, sources_of
from .mixtures import Mixtures, load_sounds
from .settings import TrainingSettings
from .validation import MixtureSet, validation_sets

#: batches a run may draw before their numbers would repeat
BATCHES = 100_000_000


def training_batches(settings: TrainingSettings, seed: int | None = None) -> Dataset[tuple[Tensor, Tensor]]:
    """Batches to train on, by number: ``(mixture (batch, samples), references (batch, sources, samples))``.

    Args:
        settings: the run.
        seed: instead of the run's.
    """
    seed, mixtures = settings.seed if seed is None else seed, settings.mixtures
    if settings.dataset.name != "recordings":
        prepared = PreparedMixtures(settings.data, settings.dataset, settings.dataset.train, mixtures.seconds)
        return PreparedBatches(prepared, mixtures.batch, BATCHES, seed)
    return Mixtures(mixtures, load_sounds(Collection(settings.data), "train", mixtures), BATCHES, seed)


def ordered_batches(
    settings: TrainingSettings, separator: nn.Module, seed: int, workers: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Training batches with the references in the order in which a separator gives its sources.

    Args:
        settings: the run.
        separator: the dense model, whose order masks are to be learned in.
        seed: of the batches.
        workers: processes that draw them.
    """
    delay, data = delay_of(separator), training_batches(settings, seed)
    for mixture, reference in DataLoader(data, batch_size=None, shuffle=False, num_workers=workers):
        with torch.no_grad():
            guide = sources_of(separator, mixture, delay)
        reference[..., : guide.shape[-1]] = reorder(reference[..., : guide.shape[-1]], guide)
        yield mixture, reference


def validation_mixtures(settings: TrainingSettings) -> dict[str, MixtureSet]:
    """The fixed mixtures that a run is scored on, by condition.

    Shape:
        - mixtures: ``(count, samples)``, references: ``(count, sources, samples)``
    """
    if settings.dataset.name != "recordings":
        return {
            "valid": fixed_set(
                PreparedMixtures(settings.data, settings.dataset, "valid", seconds=4.0), settings.validation_mixtures
            )
        }
    return validation_sets(Collection(settings.data), settings.mixtures, settings.validation_mixtures)
