"""How much every group keeps: shares by layer, and which groups' channels are ranked against each other."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from .arrays import Floats, Ints
from .structure import Structure, is_named

#: which channels are ranked against each other: those of all groups, of groups that are alike, or of one group
COMPARISONS = ("model", "alike", "group")

#: names of groups in an error message
_SHOWN = 5


def first_alike(structure: Structure) -> list[int]:
    """For every group, the index of the first group that is like it.

    Groups are alike where they have as many channels, in layers whose names differ only in numbers: the same place in
    repeated blocks.
    """
    seen: dict[tuple[object, ...], int] = {}
    return [
        seen.setdefault(
            (group.channels, *((re.sub(r"\d+", "*", name), dimension, count) for name, dimension, count in members)),
            index,
        )
        for index, group in enumerate(structure.groups)
        for members in [group.members]
    ]


def comparable(structure: Structure, scores: Floats, compare: str) -> Floats:
    """Scores as ranks among the channels that they are compared with, from 0 to 1; unchanged for the whole model.

    Args:
        structure: the channel groups.
        scores: of every channel.
        compare: one of :data:`COMPARISONS`.

    Shape:
        - scores and result: ``(channels,)``
    """
    if compare == "model":
        return scores
    sets = first_alike(structure) if compare == "alike" else list(range(len(structure.groups)))
    channels = defaultdict(list)
    for index, positions in zip(sets, structure.by_group(np.arange(len(scores))), strict=True):
        channels[index].append(positions)
    ranks = np.empty(len(scores))
    for parts in channels.values():
        members = np.concatenate(parts)
        ranks[members[np.argsort(scores[members], kind="stable")]] = (np.arange(len(members)) + 0.5) / len(members)
    return ranks


@dataclass(frozen=True)
class Rounded:
    """A group that keeps another number of channels than its share asks for.

    Attributes:
        id: of the group.
        channels: that it has.
        asked: channels that the share asks for.
        kept: channels that it keeps.
        why: for users.
    """

    id: str
    channels: int
    asked: int
    kept: int
    why: str


def counts_of(
    structure: Structure, shares: Mapping[str, float], least: Ints, round_to: int
) -> tuple[Ints, tuple[Rounded, ...]]:
    """Channels that every group keeps, ``(groups,)``, and the groups where these are not what the shares ask for.

    Args:
        structure: the channel groups.
        shares: share of the channels that a group keeps, by a pattern for its id, the name of the layer that produces
            the channels, or for a module that contains it. The first pattern that matches counts; a group that matches
            none keeps all.
        least: channels that every group keeps at least, ``(groups,)``.
        round_to: multiples of this many channels are kept, or all.

    Raises:
        UserError: a pattern matches no group, or a share is not between 0 and 1.
    """
    kept, used = structure.sizes, set()
    rounded: list[Rounded] = []
    for index, group in enumerate(structure.groups):
        names = (group.id, group.id.partition(":")[0])
        pattern = next((item for item in shares if any(is_named(name, item) for name in names)), None)
        if pattern is not None:
            used.add(pattern)
            units = max(1, round(shares[pattern] * group.channels / round_to))
            floor = -(-int(least[index]) // round_to) * round_to
            kept[index] = min(group.channels, max(units * round_to, floor))
            asked = round(shares[pattern] * group.channels)
            if kept[index] != asked:
                why = f"multiples of {round_to} channels are kept, or all" if round_to > 1 else ""
                why = why if int(least[index]) <= max(1, asked) else f"its floor is {least[index]} channels"
                rounded.append(Rounded(group.id, group.channels, asked, int(kept[index]), why or "one channel is kept"))
    for pattern, share in shares.items():
        if not 0 < share <= 1:
            raise UserError(f"the share of channels for {pattern} is {share}: give a number above 0 and at most 1")
        if pattern not in used:
            raise UserError(_no_group(structure, pattern))
    return kept, tuple(rounded)


def _no_group(structure: Structure, pattern: str) -> str:
    """What is wrong with a pattern that decides nothing."""
    if any(is_named(group.id, pattern) for group in structure.groups):
        return f"the share of channels for {pattern} has no effect: write it before the patterns that match more groups"
    of_layer = next((group.id for group in structure.groups if pattern in group.layers), None)
    if of_layer is not None:
        return f"the channels of {pattern} are those of the group {of_layer}: give a share for {of_layer}"
    some = ", ".join(group.id for group in structure.groups[:_SHOWN]) + (", …" * (len(structure.groups) > _SHOWN))
    return f"no channel group matches {pattern}: the groups are {some}; give one of them or a pattern such as *"
