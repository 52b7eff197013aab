"""Limits of the numbers of a training run: beyond them it fails, does not end, or learns nothing."""

from __future__ import annotations

from ..arguments import LARGEST_WHOLE, LONGEST_TRAINING_MIN, check_number
from ..errors import UserError
from .settings import TrainingSettings

#: largest step size: a run diverges long before
LARGEST_STEP = 1
#: name of a number -> lowest and highest one, and whether the lowest is refused; of the run, its mixtures and optimiser
_RUN: dict[str, tuple[float, float, bool]] = {
    "imitation": (0, 1, False),
    "hint_weight": (0, 1000, False),
    "seed": (0, LARGEST_WHOLE, False),
    "validate_minutes": (0, LONGEST_TRAINING_MIN, False),
    "validation_mixtures": (1, 100_000, False),
    "threads": (0, 1024, False),
}
_SHARE = (0, 1, False)
_MIXTURES: dict[str, tuple[float, float, bool]] = {
    "seconds": (0.1, 600, False),
    "batch": (1, 4096, False),
    "difference_db": (0, 60, False),
    "speed": (0, 0.5, False),
    "formants": (0, 0.5, False),
    "rooms": (0, 100_000, False),
    **dict.fromkeys(("voice_colour", "same_sex", "single", "turns", "partial_overlap", "noise"), _SHARE),
    **dict.fromkeys(("room", "moved", "colour", "clip"), _SHARE),
}
_OPTIMISER: dict[str, tuple[float, float, bool]] = {
    "learning_rate": (0, LARGEST_STEP, True),
    "weight_decay": (0, 1000, False),
    "warmup": (0, 1_000_000, False),
    "clip": (0.001, 1_000_000, False),
    "ema": (0, 0.99999, False),
}
#: lowest and highest number of a range
_RANGES = {"level_db": (-100, 0), "snr_db": (-60, 100)}


def check_limits(settings: TrainingSettings) -> None:
    """Refuse numbers of a run that are beyond their limits.

    Raises:
        UserError: a number is, or the ends of a range are in the wrong order.
    """
    for table, limits in ((settings, _RUN), (settings.mixtures, _MIXTURES), (settings.optimiser, _OPTIMISER)):
        for name, (low, high, above) in limits.items():
            check_number(name, getattr(table, name), low, high, above=above)
    for name, (low, high) in _RANGES.items():
        first, last = getattr(settings.mixtures, name)
        check_number(name, first, low, high)
        check_number(name, last, low, high)
        if first > last:
            raise UserError(f"{name} is {first:g} to {last:g}: give the lower end first")
    if not 0 <= settings.settle_seconds < settings.mixtures.seconds:
        raise UserError(
            f"settle_seconds is {settings.settle_seconds:g}: expected 0, or a part of the "
            f"{settings.mixtures.seconds:g} s of a mixture"
        )
