"""Dynamic mixing: every training batch is new, and every batch can be made again from its number."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from .render import render
from .render_device import SceneBatch, scene_batch
from .scenes import draw_scenes
from .settings import MixtureSettings
from .sounds import Sounds, load_sounds

__all__ = ["MixtureSettings", "Mixtures", "SceneBatches", "Sounds", "load_sounds"]


class Mixtures(Dataset[tuple[Tensor, Tensor]]):
    """Batches of mixtures of two voices by number, rendered on the processor.

    Batch ``i`` depends on ``seed`` and ``i`` alone, so a resumed run continues with the right batch, however many
    workers make batches.

    Args:
        settings: how mixtures are made.
        sounds: the recordings.
        batches: length of this data set.
        seed: of all batches.

    Shape:
        - mixture: ``(batch, samples)``
        - references: ``(batch, 2, samples)``
    """

    def __init__(self, settings: MixtureSettings, sounds: Sounds, batches: int, seed: int) -> None:
        self.settings, self.sounds, self.batches, self.seed = settings, sounds, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        scenes = draw_scenes(self.settings, self.sounds, self.seed, index)
        mixtures, references = zip(*(render(scene, self.sounds) for scene in scenes), strict=True)
        return torch.from_numpy(np.stack(mixtures)), torch.from_numpy(np.stack(references))


class SceneBatches(Dataset[SceneBatch]):
    """The scenes of :class:`Mixtures` by number, to be rendered on a device; same arguments."""

    def __init__(self, settings: MixtureSettings, sounds: Sounds, batches: int, seed: int) -> None:
        self.settings, self.sounds, self.batches, self.seed = settings, sounds, batches, seed

    def __len__(self) -> int:
        return self.batches

    def __getitem__(self, index: int) -> SceneBatch:
        scenes = draw_scenes(self.settings, self.sounds, self.seed, index)
        return scene_batch(scenes, self.sounds, self.settings)
