"""Losses. Estimates and references are ``(batch, sources, samples)``; every loss is a scalar to minimise."""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor, nn

from ..separators.base import FLOOR


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


class DeepClustering(nn.Module):
    """Deep clustering as an auxiliary task that leaves the plateau of permutation-invariant training early.

    Every band of every frame gets a unit vector; vectors of bands that the same voice dominates should agree
    (Hershey et al., "Deep clustering", ICASSP 2016, equation 1, weighted by loudness). It needs no permutation,
    so its gradient says from the first update on what belongs together. Used in training only.

    Args:
        features: channels of the separator's last hidden layer.
        bins: bins of the filterbank.
        bands: neighbouring bins are joined to so many bands.
        embedding: length of a vector.
    """

    def __init__(self, features: int, bins: int, bands: int = 64, embedding: int = 16) -> None:
        super().__init__()
        if bins % bands:
            raise ValueError(f"{bins} bins do not divide into {bands} bands: choose a divisor")
        self.bands, self.embedding = bands, embedding
        self.project = nn.Linear(features, bands * embedding)

    def forward(self, hidden: Tensor, spectra: Tensor) -> Tensor:
        """
        Shape:
            - hidden: ``(batch, frames, features)``
            - spectra: ``(batch, sources, 2 * bins, frames)`` of the references
        """
        power = spectra.unflatten(2, (2, self.bands, -1)).square().sum((2, 4)).transpose(2, 3)
        owner = nn.functional.one_hot(power.argmax(1), power.shape[1]).to(hidden.dtype).flatten(1, 2)
        loudness = (power.sum(1) + FLOOR).log().flatten(1, 2)
        weight = (loudness - loudness.amax(1, keepdim=True) + 9.2).clamp_min(0)  # nothing 40 dB under the loudest
        weight = (weight / weight.sum(1, keepdim=True).clamp_min(1e-8)).sqrt().unsqueeze(-1)
        vectors = self.project(hidden).unflatten(2, (self.bands, self.embedding)).flatten(1, 2)
        vectors = nn.functional.normalize(vectors.float(), dim=-1) * weight
        owner = owner.float() * weight
        loss = (_affinity(vectors, vectors) - 2 * _affinity(vectors, owner) + _affinity(owner, owner))
        return loss.mean()


def _affinity(a: Tensor, b: Tensor) -> Tensor:
    return (a.transpose(1, 2) @ b).square().sum((1, 2))
