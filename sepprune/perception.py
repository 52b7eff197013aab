"""Scores that predict what listeners say: intelligibility and quality.

They are extras of ``sepprune evaluate``; each is calculated by a package of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import UserError
from .extras import require

#: score -> the package that calculates it
PACKAGES = {"estoi": "pystoi", "pesq": "pesq"}


def check(names: Sequence[str]) -> None:
    """Check that these scores exist and can be calculated here.

    Raises:
        UserError: a name is unknown, or its package is missing.
    """
    for name in names:
        if name not in PACKAGES:
            raise UserError(f"no score is called {name!r}: choose from {', '.join(PACKAGES)}")
        for package in (PACKAGES[name], "torchmetrics"):
            require(package, extra="metrics", purpose=name)


def perceived(name: str, estimates: NDArray[np.float32], references: NDArray[np.float32], sample_rate: int) -> float:
    """Mean of one score over the voices.

    ``estoi`` is extended short-time objective intelligibility (Jensen and Taal, 2016), about 0 to 1; ``pesq`` is the
    wide-band perceptual evaluation of speech quality (ITU-T P.862.2), 1 to 4.6, at 16 kHz.

    Shape:
        - estimates, references: ``(voices, samples)``, in the same order

    Raises:
        UserError: PESQ is asked for at another rate than 16 kHz.
    """
    import torch
    from torchmetrics.functional.audio.pesq import perceptual_evaluation_speech_quality
    from torchmetrics.functional.audio.stoi import short_time_objective_intelligibility

    pair = torch.from_numpy(estimates), torch.from_numpy(references)
    if name == "estoi":
        return float(short_time_objective_intelligibility(*pair, sample_rate, extended=True).mean())
    if sample_rate != 16_000:
        raise UserError(f"pesq is defined at 16000 Hz, not at {sample_rate} Hz: leave it out")
    return float(perceptual_evaluation_speech_quality(*pair, sample_rate, "wb").mean())
