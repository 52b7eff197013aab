"""Settings of mask learning."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import UserError


@dataclass(frozen=True)
class Learning:
    """How masks are learned.

    Args:
        steps: number of batches.
        rate: Adam's step size.
        temperature: of the gates' probabilities.
        noise_end: the scale to which the noise of the gates falls, from 1.
        start: initial logits of SepPrune with a budget: ``taylor``, by the ranks of first-order scores, or ``equal``.
    """

    steps: int = 500
    rate: float = 0.1
    temperature: float = 1.0
    noise_end: float = 0.1
    start: str = "taylor"

    def __post_init__(self) -> None:
        if self.start not in ("taylor", "equal"):
            raise UserError(f"logits cannot start {self.start!r}: choose taylor or equal")
