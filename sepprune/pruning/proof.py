"""Trial cuts: which of the groups that the labels offer can be cut exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .arrays import Bools
from .graph.flow import Site
from .graph.labels import Reason
from .ratios import first_alike
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
    # groups of repeated blocks tend to fail together: side by side, fewer halves have one that fails
    alike = first_alike(structure)
    remaining = sorted(range(len(structure.groups)), key=alike.__getitem__)
    while remaining and (failure := proof.failure(remaining)) is not None:
        proof, found = _search(proof, remaining, alike)
        if not found and proof.failure(remaining) is not None:  # they fail only together, so none of them is safe
            found = dict.fromkeys(remaining, failure)
        for index, its_failure in found.items():
            name = structure.groups[index].id
            unsafe[name] = Reason(name, "surgery", its_failure.why)
        remaining = [index for index in remaining if structure.groups[index].id not in unsafe]
    return proof.structure.without(unsafe) if unsafe else proof.structure


@dataclass(frozen=True)
class _Failure:
    """Why a trial cut failed.

    Attributes:
        why: for users.
        runs: whether the cut module ran, so that its numbers can be compared with those of the dense module.
    """

    why: str
    runs: bool


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
    known: dict[tuple[int, ...], _Failure | None] = field(default_factory=dict)

    def failure(self, groups: Sequence[int]) -> _Failure | None:
        """Why these groups cannot be cut; ``None`` if they can."""
        key = tuple(groups)
        if key not in self.known:
            self.known[key] = self._tried(groups, 0) or (self._tried(groups, 1) if self.scaled else None)
        return self.known[key]

    def _tried(self, groups: Sequence[int], trial: int) -> _Failure | None:
        kept = self._kept(groups, trial)
        try:
            _, relative = difference(self.structure, cut(self.structure, kept), kept)
        except Exception as error:  # a module of any library may raise anything when it is cut; its group is not safe
            return _Failure((str(error) or type(error).__name__).splitlines()[0], runs=False)
        return _Failure(f"the pruned module would differ by {relative:.2g}", True) if relative > TOLERANCE else None

    def with_widths(self, groups: Sequence[int]) -> _Proof | None:
        """The proof with more numbers that follow the width, found by cutting these groups; ``None`` without any.

        The cut module is exported for that, which takes many times longer than a trial.
        """
        kept = self._kept(groups)
        try:
            structure = follow_widths(self.structure, cut(self.structure, kept), kept)
        except Exception:  # a module that does not run when it is cut shows nothing about its numbers
            return None
        return None if structure is None else _Proof(structure, self.trials, scaled=True)

    def scaled_since(self, before: _Proof) -> set[int]:
        """Groups for whose width numbers were found since ``before``."""
        flows = zip(self.structure.flows, before.structure.flows, strict=True)
        return {
            self._followed(site) for flow, old in flows for node, site in flow.sites.items() if node not in old.sites
        }

    def _followed(self, site: Site) -> int:
        """The group whose width a number follows; -1 for none."""
        numbers = self.structure.numbered(site.vectors[0])
        return -1 if numbers is None else int(self.structure.group_of[numbers[0] - 1])

    def without(self, groups: Sequence[int], before: _Proof) -> _Proof:
        """The proof without the numbers that were found for these groups since ``before``."""
        flows = tuple(
            replace(
                flow,
                sites={
                    node: site
                    for node, site in flow.sites.items()
                    if node in old.sites or self._followed(site) not in groups
                },
            )
            for flow, old in zip(self.structure.flows, before.structure.flows, strict=True)
        )
        return _Proof(replace(self.structure, flows=flows), self.trials, self.scaled)

    def _kept(self, groups: Sequence[int], trial: int = 0) -> Bools:
        return self.trials[trial] | ~np.isin(self.structure.group_of, groups)


def _search(proof: _Proof, groups: Sequence[int], alike: Sequence[int]) -> tuple[_Proof, dict[int, _Failure]]:
    """Numbers that follow the width, and the groups that fail with them.

    Numbers are searched with all of these groups cut, then with those that fail. At last each of those is cut alone,
    except where that found nothing for the same place in another repeated block. So the number of exports does not grow
    with the number of blocks.

    Args:
        proof: the search so far.
        groups: a trial cut of all of them fails.
        alike: for every group, the first one that is like it.
    """
    before, proof = proof, proof.with_widths(groups) or proof
    failing = _failing(proof, groups)
    suspects = proof.scaled_since(before)
    misled = [group for group in failing if group in suspects and before.failure([group]) is None]
    if misled:  # the number of another group has by chance the ratio of the widths of this one
        proof = proof.without(misled, before)
        failing = _still(proof, failing)
    together = [group for group, failure in failing.items() if failure.runs]
    hopeless: set[int] = set()
    for part in [together, *([group] for group in together if len(together) > 1)]:
        if not any(group in failing and alike[group] not in hopeless for group in part):
            continue
        wider = proof.with_widths(part)
        left = {} if wider is None else _still(wider, failing)
        if wider is not None and len(left) < len(failing):
            proof, failing = wider, left
        elif len(part) == 1:
            hopeless.add(alike[part[0]])
    return proof, failing


def _failing(proof: _Proof, groups: Sequence[int], known: bool = False) -> dict[int, _Failure]:
    """Those of the groups that fail alone, found by halving.

    Args:
        proof: the search so far.
        groups: to try.
        known: whether a trial cut of all of them is known to fail.
    """
    if len(groups) == 1 or not known:
        failure = proof.failure(groups)
        if failure is None:
            return {}
        if len(groups) == 1:
            return {groups[0]: failure}
    middle = len(groups) // 2
    first = _failing(proof, groups[:middle])
    return first | _failing(proof, groups[middle:], known=not first)


def _still(proof: _Proof, failing: Mapping[int, _Failure]) -> dict[int, _Failure]:
    """Those of the failing groups that still fail."""
    now = {group: proof.failure([group]) for group in failing}
    return {group: failure for group, failure in now.items() if failure is not None}


def _trial(structure: Structure, seed: int) -> Bools:
    """Keep about half of the channels: a different share of every group, and at least two channels of each."""
    random = np.random.default_rng(seed)
    parts = [random.random(size) > random.uniform(0.3, 0.7) for size in structure.sizes]
    return np.concatenate([part if part.sum() > 1 else np.arange(len(part)) < 2 for part in parts])
