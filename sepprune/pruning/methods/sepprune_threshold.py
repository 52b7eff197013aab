"""SepPrune as published: a threshold on gate probabilities decides which channels are kept.

After "SepPrune: structured pruning for efficient deep speech separation" (arXiv 2505.12079), section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .gates import hard_sigmoid, open_floor, step
from .protocol import Choice, Task, checked_scores


@dataclass(frozen=True)
class SepPruneThreshold:
    """The published method. Its rate follows from the threshold, so it takes no budget.

    The final mask takes no noise, so that it depends on the logits alone.

    Args:
        threshold: epsilon of the paper (0.7 there).
    """

    threshold: float
    name = "sepprune"
    needs_data = True

    def choose(self, task: Task) -> Choice:
        """Learn logits, and keep the channels whose gates are open."""
        evidence, learning, sizes = task.given_evidence(self.name), task.learning, task.structure.sizes
        least = np.ones_like(sizes)
        generator = torch.Generator().manual_seed(task.seed)
        logits = torch.rand(task.channels, generator=generator).to(task.device).requires_grad_()
        optimizer = torch.optim.Adam([logits], lr=learning.rate)
        for number in range(learning.steps):
            uniform = torch.rand(logits.shape, generator=generator).clamp_(1e-10, 1 - 1e-7).to(task.device)
            probability = torch.sigmoid((logits - (-uniform.log()).log()) / learning.temperature)
            gates = open_floor(hard_sigmoid(probability, self.threshold), probability, sizes, least)
            task.progress(number, step(optimizer, evidence.loss(gates, next(evidence.batches))))
        final = logits.detach().cpu().double()
        checked_scores(self.name, final.numpy(), from_data=True)
        # the noise is replaced by the median of its Gumbel distribution
        kept = torch.sigmoid((final - np.log(np.log(2))) / learning.temperature) > self.threshold
        return Choice(final.numpy(), open_floor(kept.double(), final, sizes, least).numpy() > 0.5)
