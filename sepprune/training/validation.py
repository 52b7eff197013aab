"""Scores during training, on a fixed set of mixtures from the validation speakers."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torchmetrics.functional.audio import permutation_invariant_training, scale_invariant_signal_distortion_ratio

from ..data.corpus import Collection
from ..separators.calling import delay_of, sources_of
from .mixtures import Mixtures, MixtureSettings, load_sounds

#: of the validation mixtures; any number would do, as long as it stays
_SEED = 20_251_112

MixtureSet = tuple[Tensor, Tensor]


def validation_sets(
    collection: Collection, mixtures: MixtureSettings, count: int, split: str = "valid"
) -> dict[str, MixtureSet]:
    """Fixed fully overlapped mixtures of speakers that are not trained on, 4 s each, by condition.

    ``clean`` always; ``noisy`` (10 to 20 dB), ``room`` and ``moved`` where ``mixtures`` have noise, rooms, and rooms
    whose talkers are moved.

    Args:
        collection: recordings.
        mixtures: those of training.
        count: of each condition. The mean of 48 can be 0.3 dB from that of 200.
        split: speakers of another one.

    Shape:
        - mixtures: ``(count, samples)``, references: ``(count, 2, samples)``
    """
    clean = MixtureSettings(seconds=4.0, batch=count, partial_overlap=0.0, speed=1e-6, level_db=(-25.0, -25.0))
    conditions = {"clean": clean}
    if mixtures.noise:
        conditions["noisy"] = replace(clean, noise=1.0, snr_db=(10.0, 20.0))
    if mixtures.room:
        conditions["room"] = replace(clean, room=1.0, rooms=mixtures.rooms)
    if mixtures.room and mixtures.moved:
        conditions["moved"] = replace(conditions["room"], moved=1.0)
    return {
        name: Mixtures(settings, load_sounds(collection, split, settings), 1, _SEED)[0]
        for name, settings in conditions.items()
    }


def si_sdr_improvement(separator: nn.Module, mixtures: Tensor, references: Tensor) -> float:
    """Mean of :func:`si_sdr_improvements`."""
    return float(si_sdr_improvements(separator, mixtures, references).mean())


@torch.no_grad()
def si_sdr_improvements(separator: nn.Module, mixtures: Tensor, references: Tensor, batch: int = 16) -> Tensor:
    """SI-SDR improvement in dB of the best source order (Le Roux et al., "SDR: half-baked or well done?").

    Shape:
        - mixtures: ``(count, samples)``, references: ``(count, sources, samples)``
        - result: ``(count,)``
    """
    device = next(separator.parameters()).device
    was_training = separator.training
    separator.eval()
    improvements = []
    for mixture, reference in zip(mixtures.split(batch), references.split(batch), strict=True):
        mixture, reference = mixture.to(device), reference.to(device)
        estimate = sources_of(separator, mixture, delay_of(separator))
        reference, mixture = reference[..., : estimate.shape[-1]], mixture[..., : estimate.shape[-1]]
        score, _ = permutation_invariant_training(
            estimate, reference, scale_invariant_signal_distortion_ratio, zero_mean=True
        )
        before = scale_invariant_signal_distortion_ratio(
            mixture.unsqueeze(1).expand_as(reference), reference, zero_mean=True
        ).mean(1)
        improvements.append(score - before)
    separator.train(was_training)
    return torch.cat(improvements)
