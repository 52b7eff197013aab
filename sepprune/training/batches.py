"""Where batches come from: recordings that are mixed anew each time, or a prepared set."""

from __future__ import annotations

from torch import Tensor
from torch.utils.data import Dataset

from .corpus import Collection, load_voices
from .datasets import PreparedBatches, PreparedMixtures, fixed_set
from .mixtures import Mixtures
from .settings import TrainingSettings
from .validation import validation_set

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
    collection = Collection(settings.data)
    noise = load_voices(collection, "train", "noise") if mixtures.noise else None
    return Mixtures(mixtures, load_voices(collection, "train", "speech"), noise, BATCHES, seed)


def validation_mixtures(settings: TrainingSettings) -> tuple[Tensor, Tensor]:
    """The fixed mixtures that a run is scored on: ``(count, samples)``, ``(count, sources, samples)``."""
    if settings.dataset.name != "recordings":
        return fixed_set(PreparedMixtures(settings.data, settings.dataset, "valid", seconds=4.0),
                         settings.validation_mixtures)
    return validation_set(Collection(settings.data), settings.validation_mixtures)
