"""Post-screening of MUSHRA listeners after ITU-R BS.1534-3, section 4.1.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: a listener is excluded where a rule is broken in more than this share of items
SHARE_OF_ITEMS = 0.15
#: the anchor rule does not count an item where more than this share of listeners break it
SHARE_OF_LISTENERS = 0.25
#: score that the hidden reference must reach, and that the anchor must not exceed
LIMIT = 90.0

REFERENCE_RULE = "hidden reference below 90 in more than 15 % of items"
ANCHOR_RULE = "anchor above 90 in more than 15 % of items"


@dataclass(frozen=True)
class Exclusion:
    """A listener who is left out, and the rule that says so."""

    listener: str
    rule: str


def screen(
    reference: Mapping[str, Mapping[str, float]], anchor: Mapping[str, Mapping[str, float]]
) -> tuple[Exclusion, ...]:
    """Listeners to exclude, by both rules of the standard.

    The standard's second rule is about the mid-range anchor; a study names the anchor in its place. The exception:
    items on which more than 25 % of listeners score the anchor above 90 do not count, since there the anchor may be
    transparent.

    Args:
        reference: listener -> item -> score of the hidden reference, 0 to 100.
        anchor: the same of the anchor; empty where there is none.
    """
    items = sorted({item for scores in anchor.values() for item in scores})
    transparent = {item for item in items if _share([scores.get(item) for scores in anchor.values()])}
    found = []
    for listener in sorted(reference):
        if _breaks(_values(reference[listener]) < LIMIT):
            found.append(Exclusion(listener, REFERENCE_RULE))
        own = anchor.get(listener, {})
        if _breaks(np.array([own[item] > LIMIT for item in sorted(own) if item not in transparent], bool), len(own)):
            found.append(Exclusion(listener, ANCHOR_RULE))
    return tuple(found)


def bimodality(scores: NDArray[np.float64]) -> float | None:
    """Coefficient of bimodality; above 5/9 listeners may fall into groups. ``None`` for less than four scores."""
    from scipy.stats import kurtosis, skew

    count = len(scores)
    if count < 4 or np.ptp(scores) == 0:
        return None
    g, k = float(skew(scores, bias=False)), float(kurtosis(scores, bias=False))
    return (g**2 + 1) / (k + 3 * (count - 1) ** 2 / ((count - 2) * (count - 3)))


def _share(scores: list[float | None]) -> bool:
    given = [score for score in scores if score is not None]
    return sum(score > LIMIT for score in given) > SHARE_OF_LISTENERS * len(given)


def _breaks(broken: NDArray[np.bool_], items: int | None = None) -> bool:
    count = len(broken) if items is None else items
    return bool(broken.sum() > SHARE_OF_ITEMS * count)


def _values(scores: Mapping[str, float]) -> NDArray[np.float64]:
    return np.array([scores[item] for item in sorted(scores)], float)
