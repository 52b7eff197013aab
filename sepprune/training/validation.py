"""Scores during training, on fixed mixtures of the validation speakers."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torchmetrics.functional.audio import permutation_invariant_training, scale_invariant_signal_distortion_ratio

from ..data.collection import Collection
from ..separators.calling import delay_of, sources_of
from .mixtures import Mixtures
from .settings import MixtureSettings
from .sounds import load_sounds

#: of the validation mixtures; scores can only be compared while it stays the same
_SEED = 20_251_112

#: condition of mixtures of speakers that are trained on; no part of the mean over the conditions
KNOWN = "known"

MixtureSet = tuple[Tensor, Tensor]


def validation_sets(
    collection: Collection, mixtures: MixtureSettings, count: int, split: str = "valid"
) -> dict[str, MixtureSet]:
    """Fixed, fully overlapped mixtures of 4 s by speakers that are not trained on, by condition.

    There is always ``clean``; ``noisy`` (10 to 20 dB), ``room`` and ``moved`` are there if the training mixtures have
    noise, rooms, and moved talkers.

    Args:
        collection: recordings.
        mixtures: settings of the training mixtures.
        count: mixtures of each condition. The mean of 48 can differ by 0.3 dB from that of 200.
        split: of the speakers.

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


def known_set(collection: Collection, mixtures: MixtureSettings, count: int) -> MixtureSet:
    """As the condition ``clean`` of :func:`validation_sets`, of speakers that are trained on."""
    return validation_sets(collection, replace(mixtures, noise=0.0, room=0.0), count, "train")["clean"]


def si_sdr_improvement(separator: nn.Module, mixtures: Tensor, references: Tensor) -> float:
    """Mean of :func:`si_sdr_improvements`, in dB."""
    return float(si_sdr_improvements(separator, mixtures, references).mean())


@torch.no_grad()
def si_sdr_improvements(separator: nn.Module, mixtures: Tensor, references: Tensor, batch: int = 16) -> Tensor:
    """SI-SDR improvement in dB, in the best order of sources (Le Roux et al., "SDR: half-baked or well done?", 2019).

    Args:
        separator: in any mode, which it keeps.
        mixtures: its input.
        references: the sources.
        batch: mixtures per forward pass.

    Shape:
        - mixtures: ``(count, samples)``, references: ``(count, sources, samples)``
        - result: ``(count,)``
    """
    device = next(separator.parameters()).device
    was_training = separator.training
    separator.eval()
    improvements = []
    for start in range(0, len(mixtures), batch):
        mixture, reference = mixtures[start : start + batch], references[start : start + batch]
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
