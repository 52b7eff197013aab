"""Batches of random crops from a folder of mixtures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from .mixtures import MixtureFiles


class CropBatches:
    """Batches of crops, each mixture once per pass in random order; every pass draws new crops.

    Pass ``n`` depends on ``seed`` and ``n`` alone. The last batch of a pass repeats mixtures until it is full.

    Args:
        mixtures: from :func:`~.mixtures.find`.
        batch: crops in a batch.
        samples: length of a crop; shorter mixtures are followed by zeros.
        sample_rate: of the crops, in hertz; files at another rate are resampled.
        seed: of order and position.

    Yields:
        ``(mixture, references)``

    Shape:
        - mixture: ``(batch, samples)``
        - references: ``(batch, sources, samples)``

    Raises:
        UserError: while iterating, if a file cannot be read.
    """

    def __init__(self, mixtures: Sequence[MixtureFiles], batch: int, samples: int, sample_rate: int, seed: int) -> None:
        self.mixtures, self.batch, self.samples = mixtures, batch, samples
        self.sample_rate, self.seed, self.passes = sample_rate, seed, 0

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        self.passes += 1
        random = np.random.default_rng([self.seed, self.passes])
        order = random.permutation(len(self.mixtures))
        for start in range(0, len(order), self.batch):
            signals = []
            for index in np.resize(order[start : start + self.batch], self.batch).tolist():
                files = self.mixtures[index]
                offset = int(random.integers(max(1, files.frames(self.sample_rate) - self.samples)))
                signals.append(files.read(self.sample_rate, offset, self.samples))
            batch = torch.from_numpy(np.stack(signals))
            yield batch[:, 0], batch[:, 1:]
