"""Losses. Estimates and references are ``(batch, sources, samples)``; every loss is a scalar to minimise.

Nothing here moves data between host and device, so a CUDA graph can capture all of it.
"""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor


def pairwise_snr(estimate: Tensor, reference: Tensor, ceiling_db: float = 30.0) -> Tensor:
    """Signal-to-noise ratio in dB of every estimate against every reference.

    Unlike SI-SDR, it depends on the scale of the estimate. So the sources add up to the mixture, and switching between
    levels of a ladder does not change loudness. Scores saturate at the ceiling, so that pairs that are already solved
    do not dominate (Wisdom et al., "Unsupervised sound separation using mixture invariant training", NeurIPS 2020,
    equation 2). For a silent reference, the error is compared with the mean power of the sources.

    Args:
        estimate: output of a separator.
        reference: the sources.
        ceiling_db: score of a perfect estimate.

    Shape:
        - result: ``(batch, estimates, references)``
    """
    soft = 10 ** (-ceiling_db / 10)
    power = reference.square().sum(-1)
    error = (estimate.unsqueeze(2) - reference.unsqueeze(1)).square().sum(-1)
    anchor = power.mean(-1, keepdim=True).clamp_min(1e-8)
    floor = 1e-3 * anchor  # a reference 30 dB below the mean counts as silent
    return 10 * ((power + floor).unsqueeze(1).log10() - (error + soft * (power + floor).unsqueeze(1)).log10())


def best_order(score: Tensor) -> tuple[Tensor, Tensor]:
    """The permutation of sources with the highest mean score.

    Shape:
        - score: ``(batch, estimates, references)``
        - order: ``(batch, references)``, the estimate for each reference; mean score: ``(batch,)``
    """
    orders = list(permutations(range(score.shape[1])))
    references = range(score.shape[2])
    means = torch.stack(
        [torch.stack([score[:, order[index], index] for index in references], -1).mean(-1) for order in orders], -1
    )
    mean, best = means.max(-1)
    zero = torch.zeros_like(best)
    chosen = [
        sum(((best == number) * order[index] for number, order in enumerate(orders)), zero) for index in references
    ]
    return torch.stack(chosen, -1), mean


def pit_snr_loss(estimate: Tensor, reference: Tensor) -> Tensor:
    """Negative SNR in the best order of each mixture's sources (utterance-level permutation-invariant training)."""
    return -best_order(pairwise_snr(estimate, reference))[1].mean()


def ordered_snr_loss(estimate: Tensor, reference: Tensor) -> Tensor:
    """Negative SNR in the given order, for references that are already in the order of a teacher."""
    return -pairwise_snr(estimate, reference).diagonal(dim1=1, dim2=2).mean()


def reorder(reference: Tensor, guide: Tensor) -> Tensor:
    """References in the order of the sources in ``guide``, an estimate of another separator."""
    order, _ = best_order(pairwise_snr(guide, reference))
    return reference.gather(1, order.argsort(1).unsqueeze(-1).expand_as(reference))
