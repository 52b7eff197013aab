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
    return _in_order(reference, pairwise_snr(guide, reference))


def settled_snr_loss(estimate: Tensor, reference: Tensor, samples: int) -> Tensor:
    """Negative SNR in the order of the start, where one voice speaks alone at the start, else in the best order.

    A separator may put a new voice on one output and move it to another one when it knows the voice better. The best
    order of a whole mixture then calls the later output right and the start wrong, although nobody can know at the
    start where the voice will be later. In the order of the start, moving the voice is wrong.

    Args:
        estimate: output of a separator.
        reference: the sources.
        samples: length of the start, counted from the first sound on. A voice is alone if the others are 30 dB softer.
    """
    frame = max(1, samples // 50)
    frames = reference.shape[-1] // frame
    power = reference[..., : frames * frame].unflatten(-1, (frames, frame)).square().mean(-1)
    total = power.sum(1)
    heard = (total > 1e-3 * total.mean(-1, keepdim=True)).cumsum(-1) > 0
    start = heard & (heard.cumsum(-1) <= samples // frame)
    energy = (power * start.unsqueeze(1)).sum(-1)
    loudest = energy.amax(1)
    alone = energy.sum(1) - loudest < 1e-3 * loudest
    window = (start | ~alone.unsqueeze(1)).repeat_interleave(frame, -1).unsqueeze(1).to(estimate.dtype)
    length = window.shape[-1]
    with torch.no_grad():
        score = pairwise_snr(estimate[..., :length] * window, reference[..., :length] * window)
    return ordered_snr_loss(estimate, _in_order(reference, score))


def _in_order(reference: Tensor, score: Tensor) -> Tensor:
    """References in the best order by these scores, ``(batch, estimates, references)``."""
    order, _ = best_order(score)
    return reference.gather(1, order.argsort(1).unsqueeze(-1).expand_as(reference))
