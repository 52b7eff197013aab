"""Proof by trial: which of the groups that the labels offer can really be cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .graph.labels import Reason
from .structure import Structure
from .surgery import TOLERANCE, cut, difference
from .widths import follow_widths


def prove(structure: Structure, seed: int = 0) -> Structure:
    """Keep only groups whose removal is exact.

    About half of the channels of all groups are cut on trial. Where the outcome is not what the masked model says,
    numbers that follow the width are looked for, and then the groups at fault, by halving; they are reported as
    blocked.
    """
    if not structure.groups:
        return structure
    trials = [_trial(structure, seed), _trial(structure, seed + 1)]
    unsafe: dict[str, Reason] = {}
    scaled = False  # numbers that follow the width were guessed from the first trial: they must hold in another

    def cut_of(groups: Sequence[int], trial: int = 0) -> np.ndarray:
        return trials[trial] | ~np.isin(structure.group_of, groups)

    def failure(groups: Sequence[int], trial: int = 0) -> str | None:
        kept = cut_of(groups, trial)
        try:
            _, relative = difference(structure, cut(structure, kept), kept)
        except Exception as error:  # whatever a half-cut foreign module raises, its group is not safe
            return (str(error) or type(error).__name__).splitlines()[0]
        if relative > TOLERANCE:
            return f"the pruned module would differ by {relative:.2g}"
        return failure(groups, 1) if scaled and not trial else None

    def widths(groups: Sequence[int]) -> bool:
        nonlocal scaled
        try:
            found = follow_widths(structure, cut(structure, cut_of(groups)), cut_of(groups))
        except Exception:  # a module that does not run when cut tells nothing about its numbers
            return False
        scaled |= found
        return found

    def search(groups: Sequence[int]) -> None:
        why = failure(groups)
        if why is None or (widths(groups) and failure(groups) is None):
            return
        if len(groups) == 1:
            group = structure.groups[groups[0]]
            unsafe[group.id] = Reason(group.id, "surgery", why)
            return
        search(groups[: len(groups) // 2])
        search(groups[len(groups) // 2 :])

    remaining = list(range(len(structure.groups)))
    while remaining and (why := failure(remaining)) is not None:
        found = len(unsafe)
        search(remaining)
        if len(unsafe) == found and failure(remaining) is not None:  # only together: none of them can be trusted
            unsafe |= {
                structure.groups[index].id: Reason(structure.groups[index].id, "surgery", why) for index in remaining
            }
        remaining = [index for index in remaining if structure.groups[index].id not in unsafe]
    return structure.without(unsafe) if unsafe else structure


def _trial(structure: Structure, seed: int) -> np.ndarray:
    """About half of the channels, another share of every group, and at least two."""
    random = np.random.default_rng(seed)
    parts = [random.random(size) > random.uniform(0.3, 0.7) for size in structure.sizes]
    return np.concatenate([part if part.sum() > 1 else np.arange(len(part)) < 2 for part in parts])
