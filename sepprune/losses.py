"""Losses. Estimates and references are ``(batch, sources, samples)``; every loss is a scalar to minimise."""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor


def pairwise_snr(estimate: Tensor, reference: Tensor, ceiling_db: float = 30.0) -> Tensor:
    """Signal-to-noise ratio in dB of every estimate against every reference.

    Unlike SI-SDR it fixes the scale, so the sources add up to the mixture and a level switch does not change
    loudness. The ceiling keeps solved pairs from dominating (Wisdom et al., "Unsupervised sound separation using
    mixture invariant training", NeurIPS 2020, equation 2), and makes a silent reference a meaningful target:
    whatever leaks into it is measured against the sources' mean power.

    Shape:
        - result: ``(batch, estimates, references)``
    """
    soft = 10 ** (-ceiling_db / 10)
    power = reference.square().sum(-1)
    error = (estimate.unsqueeze(2) - reference.unsqueeze(1)).square().sum(-1)
    anchor = power.mean(-1, keepdim=True).clamp_min(1e-8)
    floor = 1e-3 * anchor  # a reference 30 dB under the mean counts as silent
    return 10 * ((power + floor).unsqueeze(1).log10() - (error + soft * (power + floor).unsqueeze(1)).log10())


def best_order(score: Tensor) -> tuple[Tensor, Tensor]:
    """Permutation with the highest mean score.

    Shape:
        - score: ``(batch, estimates, references)``
        - order: ``(batch, references)``, the estimate for each reference; mean score: ``(batch,)``
    """
    orders = torch.tensor(list(permutations(range(score.shape[1]))), device=score.device)
    references = torch.arange(score.shape[2], device=score.device)
    means = score[:, orders, references].mean(-1)
    best = means.argmax(-1)
    return orders[best], means.gather(1, best.unsqueeze(1)).squeeze(1)


def pit_snr_loss(estimate: Tensor, reference: Tensor) -> Tensor:
    """Negative SNR in the best source order of each mixture (utterance-level permutation-invariant training)."""
    return -best_order(pairwise_snr(estimate, reference))[1].mean()


def ordered_snr_loss(estimate: Tensor, reference: Tensor) -> Tensor:
    """Negative SNR in the order given: for references that a teacher has already put in order."""
    return -pairwise_snr(estimate, reference).diagonal(dim1=1, dim2=2).mean()


def reorder(reference: Tensor, guide: Tensor) -> Tensor:
    """References in the order in which ``guide``, another model's estimate, gives them."""
    order, _ = best_order(pairwise_snr(guide, reference))
    return reference.gather(1, order.argsort(1).unsqueeze(-1).expand_as(reference))
