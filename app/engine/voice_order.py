"""Keeps voices on their sides while several levels run beside each other and one of them is heard."""

from __future__ import annotations

import itertools

import numpy as np

from .arrays import Samples

#: seconds after which an agreement between two outputs counts half as much as a new one
HALF_LIFE_S = 0.5


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
        self._decay = 0.5 ** (chunk_s / HALF_LIFE_S)
        self._products = np.zeros((len(separating) * sources,) * 2, np.float32)
        self._guide = next((number for number, one in enumerate(separating) if one), 0)
        self.orders = [tuple(range(sources)) for _ in separating]

    def add(self, outputs: Samples) -> None:
        """Take in a chunk of all conditions, ``(conditions, sources, samples)``, each in its own order."""
        self._products *= self._decay
        self._products += products(outputs)

    def clear(self) -> None:
        """Forget how outputs agreed; the orders stay."""
        self._products[:] = 0

    def begin(self, condition: int) -> None:
        """Choose the order of a condition that begins to be heard."""
        if self._separating[condition]:
            self.orders[condition] = self._agreeing(self._products, condition)
            self._guide = condition

    def within(self, outputs: Samples) -> list[tuple[int, ...]]:
        """Orders of all conditions for sound that was stored, ``(conditions, sources, samples)``.

        The condition that was heard last keeps its order, and the others agree with it over the whole sound.
        """
        found = products(outputs)
        return [self._agreeing(found, condition) for condition in range(len(self.orders))]

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


def products(outputs: Samples) -> Samples:
    """Products of every output with every other, ``(conditions * sources,)`` squared."""
    flat = outputs.reshape(-1, outputs.shape[-1])
    found: Samples = flat @ flat.T
    return found
