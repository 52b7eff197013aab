"""Meeting a budget: which channels are kept when their ranking is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import UserError
from .accounts import FILTERED
from .arrays import Bools, Floats, Ints
from .checks import check_number, check_whole
from .cost import Cost
from .ratios import Rounded, comparable, counts_of
from .structure import Structure


@dataclass(frozen=True)
class Floor:
    """How few channels a group may keep.

    A narrow residual branch runs as many operators as a wide one, so it can be better to remove it whole.

    Args:
        channels: every group keeps at least this many channels, or all if it has fewer.
        share: every group keeps at least this share of its channels.
        whole_branches: whether residual branches may be removed whole, see :mod:`~sepprune.pruning.branches`.
        narrowest: a branch keeps at least this many channels or is removed; other groups get the budget that this
            frees.
    """

    channels: int = 4
    share: float = 1 / 16
    whole_branches: bool = False
    narrowest: int = 0

    def __post_init__(self) -> None:
        check_whole("channels of the floor", self.channels, 0)
        check_number("share of the floor", self.share, 0)
        check_whole("narrowest of the floor", self.narrowest, 0)
        if self.share > 1:
            raise UserError(f"share of the floor is {self.share}: give a number of at most 1")

    def of(self, sizes: Ints, removable: Sequence[int] = ()) -> Ints:
        """The least number of channels that every group keeps.

        Args:
            sizes: channels of the groups.
            removable: indices of groups that may be empty.
        """
        least: Ints = np.minimum(sizes, np.maximum(self.channels, np.ceil(sizes * self.share))).astype(np.int64)
        least[list(removable)] = 0
        return least

    def in_multiples(self, sizes: Ints, round_to: int, removable: Sequence[int] = ()) -> Ints:
        """The least number of channels that every group keeps where that is a multiple of ``round_to``, or all."""
        return np.minimum(sizes, -(-self.of(sizes, removable) // round_to) * round_to)


DEFAULT_FLOOR = Floor()

#: channels of a group that are kept or dropped at once: score (infinite for the floor), group, channel indices
_Unit = tuple[float, int, Ints]


@dataclass(frozen=True)
class Budget:
    """A cost that must not be exceeded.

    Attributes:
        kind: ``macs``, ``params``, ``chunk_time`` or ``channels``.
        share: of the dense cost.
        cost: the cost as a function of kept channels.
        limit: the highest cost that is allowed.
        counts: channels that every group keeps, where that is given instead, ``(groups,)``.
        rounded: groups where these are not what the caller's shares ask for.
    """

    kind: str
    share: float
    cost: Cost
    limit: float
    counts: Ints | None = None
    rounded: tuple[Rounded, ...] = ()

    @staticmethod
    def of(kind: str, share: float, cost: Cost, structure: Structure, floor: Floor, round_to: int = 1) -> Budget:
        """A budget as a share of the dense cost.

        Raises:
            UserError: the share is not between 0 and 1, or less than what remains at the floor, of which every group
                keeps a multiple of ``round_to`` channels, or all.
        """
        check_share(kind, share)
        _check_groups(structure)
        dense = float(cost.total(structure.sizes))
        least = float(cost.total(floor.of(structure.sizes, structure.removable))) / dense
        if least > share:
            raise UserError(
                f"a budget of {share:g} for {kind} cannot be met: with every channel group at its floor "
                f"{_rounded_up(least):.3f} of the dense cost remains; ask for at least that"
            )
        multiples = floor.in_multiples(structure.sizes, round_to, structure.removable)
        least = float(cost.total(multiples)) / dense
        if least > share:
            raise UserError(
                f"a budget of {share:g} for {kind} cannot be met in multiples of {round_to} channels: with every "
                f"channel group at the smallest multiple that its floor allows {_rounded_up(least):.3f} of the dense "
                "cost remains; ask for at least that, or for multiples of fewer channels"
            )
        return Budget(kind, share, cost, share * dense)

    @staticmethod
    def by_layer(shares: Mapping[str, float], cost: Cost, structure: Structure, floor: Floor, round_to: int) -> Budget:
        """A budget of channels for every group, see :func:`~sepprune.pruning.ratios.counts_of`.

        Raises:
            UserError: a share is not between 0 and 1, or a pattern matches no group.
        """
        _check_groups(structure)
        counts, rounded = counts_of(structure, shares, floor.of(structure.sizes), round_to)
        limit = float(cost.total(counts))
        return Budget("channels", limit / float(cost.total(structure.sizes)), cost, limit, counts, rounded)


def check_share(kind: str, share: float) -> None:
    """Refuse a budget that is no share.

    Raises:
        UserError: it is not between 0 and 1.
    """
    if not 0 < share <= 1:
        raise UserError(
            f"a budget of {share} for {kind} is not a share of the dense cost: give a number above 0 and at most 1"
        )


def _check_groups(structure: Structure) -> None:
    if not structure.groups:
        if any(reason.op == FILTERED for reason in structure.blocked):
            raise UserError(
                f"include and exclude leave no channels of {type(structure.module).__name__} that can be pruned: "
                "include more layers, or exclude fewer"
            )
        raise UserError(
            f"{type(structure.module).__name__} has no channels that can be pruned safely: "
            "see what blocks them with sepprune analyze"
        )


def keep_best(
    structure: Structure, budget: Budget, scores: Floats, floor: Floor, round_to: int = 1, compare: str = "model"
) -> Bools:
    """Keep the channels with the highest scores of the whole model, as many as the budget allows.

    Args:
        structure: the channel groups.
        budget: the highest cost of the kept channels.
        scores: of every channel.
        floor: how many channels a group keeps at least. Branches that are narrower than the floor allows are removed,
            narrowest first; the last one stays.
        round_to: every group keeps a multiple of this many channels, or all.
        compare: which groups' scores are compared with each other, see :data:`~sepprune.pruning.ratios.COMPARISONS`.

    Shape:
        - scores and result: ``(channels,)``
    """
    if budget.counts is not None:
        return best_of_groups(structure, scores, budget.counts)
    scores = comparable(structure, scores, compare)
    units = _units(structure, scores, floor.in_multiples(structure.sizes, round_to, structure.removable), round_to)
    while True:
        counts = _affordable(structure, budget, units)
        left = [branch for branch in structure.branches if all(counts[group] for group in branch.free)]
        narrow = [
            branch
            for branch in left
            if any(counts[group] < min(floor.narrowest, structure.sizes[group]) for group in branch.free)
        ]
        if not narrow or len(left) < 2:
            return best_of_groups(structure, scores, counts)
        closed = min(narrow, key=lambda branch: min(counts[group] for group in branch.free))
        units = [unit for unit in units if unit[1] not in closed.groups]


def _affordable(structure: Structure, budget: Budget, units: Sequence[_Unit]) -> Ints:
    """Channels of every group when the best units are kept, as many as the budget allows."""
    first = [unit for unit in units if unit[0] == np.inf]
    rest = sorted((unit for unit in units if unit[0] != np.inf), key=lambda unit: -unit[0])
    counts = np.zeros(len(structure.groups), dtype=np.int64)
    for _, group, channels in first:
        counts[group] += len(channels)
    groups = np.array([group for _, group, _ in rest], dtype=np.int64)
    widths = np.array([len(channels) for _, _, channels in rest], dtype=np.int64)

    def with_best(number: int) -> Ints:
        return counts + np.bincount(groups[:number], widths[:number], len(counts)).astype(np.int64)

    low, high = 0, len(rest)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if budget.cost.total(with_best(middle)) <= budget.limit else (low, middle - 1)
    counts = with_best(low)
    closed = np.zeros(len(counts), dtype=bool)
    for _, group, channels in rest[low:]:  # the others, best first, where they still fit
        if not closed[group]:
            counts[group] += len(channels)
            if budget.cost.total(counts) > budget.limit:
                counts[group] -= len(channels)
                closed[group] = True
                if closed.all():
                    break
    return counts


def best_of_groups(structure: Structure, scores: Floats, counts: Ints) -> Bools:
    """Keep the given number of channels of every group, those with the highest scores."""
    kept = np.zeros(len(scores), dtype=bool)
    start = 0
    for size, count in zip(structure.sizes, counts, strict=True):
        order = np.argsort(-scores[start : start + size], kind="stable")
        kept[start + order[:count]] = True
        start += size
    return kept


def _rounded_up(share: float) -> float:
    """A share to three digits, never less than it is, so that a budget of what a message says can be met."""
    return math.ceil(1000 * share) / 1000


def _units(structure: Structure, scores: Floats, floors: Ints, round_to: int) -> list[_Unit]:
    """Units of all groups, best first within a group; the first unit of a group is its floor."""
    units: list[_Unit] = []
    start = 0
    for group, (size, least) in enumerate(zip(structure.sizes.tolist(), floors.tolist(), strict=True)):
        order = start + np.argsort(-scores[start : start + size], kind="stable")
        units.append((np.inf, group, order[:least]))
        for position in range(least, size, round_to):
            channels = order[position : position + round_to]
            units.append((float(scores[channels].mean()), group, channels))
        start += size
    return units
