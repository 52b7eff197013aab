"""Keeps voices on their sides while several levels run beside each other and one of them is heard."""

from __future__ import annotations

import itertools

import numpy as np

from .arrays import Samples

#: seconds after which an agreement between two outputs counts half as much as a new one: for the running sound, and for
#: the seconds that are held
HALF_LIFE_S, HELD_HALF_LIFE_S = 0.5, 4.0

#: energy of a chunk, below which it hardly counts
SILENCE = 1e-4


class VoiceOrder:
    """Which output of every condition is voice 1, voice 2 and so on.

    A separator may give its voices in any order, and two levels in different ones. The order of a condition is chosen
    in the moment in which it begins to be heard, so that its voices agree best with those that were heard before; it
    never changes while it is heard.

    Args:
        separating: for each condition whether it separates; the mixture agrees with all voices alike.
        sources: number of voices.
        chunk_s: duration of a chunk in seconds.

    Attributes:
        orders: for each condition, the output that is voice 1, voice 2 and so on.
    """

    def __init__(self, separating: tuple[bool, ...], sources: int, chunk_s: float) -> None:
        self._separating, self._sources = separating, sources
        self._decay, self._slow_decay = (0.5 ** (chunk_s / one) for one in (HALF_LIFE_S, HELD_HALF_LIFE_S))
        self._products, self._slow = (np.zeros((len(separating) * sources,) * 2, np.float32) for _ in range(2))
        self._guide = next((number for number, one in enumerate(separating) if one), 0)
        self.orders = [tuple(range(sources)) for _ in separating]

    def add(self, outputs: Samples) -> None:
        """Take in a chunk of all conditions, ``(conditions, sources, samples)``, each in its own order."""
        flat = outputs.reshape(-1, outputs.shape[-1])
        found = flat @ flat.T
        energies = np.diag(found).reshape(-1, self._sources).sum(axis=1) + SILENCE
        weights = np.repeat(1 / np.sqrt(energies), self._sources)  # else one loud syllable outvotes all that follows
        found *= np.outer(weights, weights)
        self._products *= self._decay
        self._products += found
        self._slow *= self._slow_decay
        self._slow += found

    def clear(self) -> None:
        """Forget how outputs agreed; the orders stay."""
        self._products[:] = self._slow[:] = 0

    def begin(self, condition: int) -> None:
        """Choose the order of a condition that begins to be heard."""
        if self._separating[condition]:
            self.orders[condition] = self._agreeing(self._products, condition)
            self._guide = condition

    def held(self) -> list[tuple[int, ...]]:
        """Orders of all conditions for the last seconds as a whole. The condition that was heard last keeps its own."""
        return [self._agreeing(self._slow, condition) for condition in range(len(self.orders))]

    def _agreeing(self, found: Samples, condition: int) -> tuple[int, ...]:
        """The order that agrees best with the guide's; the present one where another is no better."""
        known, sources = self.orders[self._guide], self._sources
        present = self.orders[condition]
        if condition == self._guide or not self._separating[condition]:
            return present
        block = found[self._guide * sources :, condition * sources :]

        def agreement(order: tuple[int, ...]) -> float:
            return float(sum(block[one, other] for one, other in zip(known, order, strict=True)))

        best = max(itertools.permutations(range(sources)), key=agreement)
        return best if agreement(best) > agreement(present) else present
