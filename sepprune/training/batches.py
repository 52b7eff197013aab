"""Where batches come from: recordings that are mixed anew each time, or a prepared set."""

from __future__ import annotations

from torch import Tensor
from torch.utils.data import Dataset

from .corpus import Collection
from .datasets import PreparedBatches, PreparedMixtures, fixed_set
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


def validation_mixtures(settings: TrainingSettings) -> dict[str, MixtureSet]:
    """The fixed mixtures that a run is scored on, by condition.

    Shape:
        - mixtures: ``(count, samples)``, references: ``(count, sources, samples)``
    """
    if settings.dataset.name != "recordings":
        return {"valid": fixed_set(PreparedMixtures(settings.data, settings.dataset, "valid", seconds=4.0),
                                   settings.validation_mixtures)}
    return validation_sets(Collection(settings.data), settings.mixtures, settings.validation_mixtures)
