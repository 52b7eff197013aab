"""Trial cuts: which of the groups that the labels offer can be cut exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .arrays import Bools
from .graph.labels import Reason
from .structure import Structure
from .surgery import TOLERANCE, cut, difference
from .widths import follow_widths


def prove(structure: Structure, seed: int = 0) -> Structure:
    """Keep only the groups whose removal is exact.

    A trial cuts about half of the channels of all groups. Where the result differs from the masked model, numbers that
    follow the width are searched first, and then the groups that cause the difference, by halving. These are reported
    as blocked.

    Args:
        structure: the groups that the labels offer.
        seed: of the trials.
    """
    if not structure.groups:
        return structure
    proof = _Proof(structure, (_trial(structure, seed), _trial(structure, seed + 1)))
    unsafe: dict[str, Reason] = {}
    remaining = list(range(len(structure.groups)))
    while remaining and (why := proof.failure(remaining)) is not None:
        proof, found = _search(proof, remaining)
        if not found and proof.failure(remaining) is not None:  # they fail only together, so none of them is safe
            found = {
                structure.groups[index].id: Reason(structure.groups[index].id, "surgery", why) for index in remaining
            }
        unsafe |= found
        remaining = [index for index in remaining if structure.groups[index].id not in unsafe]
    return proof.structure.without(unsafe) if unsafe else proof.structure


@dataclass(frozen=True)
class _Proof:
    """State of the search: the structure so far, and the trial cuts.

    Attributes:
        structure: the groups, and sites for numbers that follow the width as far as they are found.
        trials: kept channels of two different cuts, ``(channels,)`` each.
        scaled: whether such numbers were found. They were guessed from the first trial, so the second must agree.
        known: results of :meth:`failure`, since a trial runs the module twice.
    """

    structure: Structure
    trials: tuple[Bools, Bools]
    scaled: bool = False
    known: dict[tuple[int, ...], str | None] = field(default_factory=dict)

    def failure(self, groups: Sequence[int]) -> str | None:
        """Why these groups cannot be cut; ``None`` if they can."""
        key = tuple(groups)
        if key not in self.known:
            self.known[key] = self._tried(groups, 0) or (self._tried(groups, 1) if self.scaled else None)
        return self.known[key]

    def _tried(self, groups: Sequence[int], trial: int) -> str | None:
        kept = self._kept(groups, trial)
        try:
            _, relative = difference(self.structure, cut(self.structure, kept), kept)
        except Exception as error:  # a module of any library may raise anything when it is cut; its group is not safe
            return (str(error) or type(error).__name__).splitlines()[0]
        return f"the pruned module would differ by {relative:.2g}" if relative > TOLERANCE else None

    def with_widths(self, groups: Sequence[int]) -> _Proof | None:
        """The proof with more numbers that follow the width, found by cutting these groups; ``None`` without any."""
        kept = self._kept(groups)
        try:
            structure = follow_widths(self.structure, cut(self.structure, kept), kept)
        except Exception:  # a module that does not run when it is cut shows nothing about its numbers
            return None
        return None if structure is None else _Proof(structure, self.trials, scaled=True)

    def _kept(self, groups: Sequence[int], trial: int = 0) -> Bools:
        return self.trials[trial] | ~np.isin(self.structure.group_of, groups)


def _search(proof: _Proof, groups: Sequence[int]) -> tuple[_Proof, dict[str, Reason]]:
    """Numbers that follow the width and groups that cannot be cut, among these groups."""
    why = proof.failure(groups)
    if why is None:
        return proof, {}
    wider = proof.with_widths(groups)
    if wider is not None:
        proof = wider
        if proof.failure(groups) is None:
            return proof, {}
    if len(groups) == 1:
        group = proof.structure.groups[groups[0]]
        return proof, {group.id: Reason(group.id, "surgery", why)}
    proof, first = _search(proof, groups[: len(groups) // 2])
    proof, second = _search(proof, groups[len(groups) // 2 :])
    return proof, first | second


def _trial(structure: Structure, seed: int) -> Bools:
    """Keep about half of the channels: a different share of every group, and at least two channels of each."""
    random = np.random.default_rng(seed)
    parts = [random.random(size) > random.uniform(0.3, 0.7) for size in structure.sizes]
    return np.concatenate([part if part.sum() > 1 else np.arange(len(part)) < 2 for part in parts])
