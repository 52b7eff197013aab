"""Which residual branches are removed with given kept channels.

A branch is removed when one of the groups that it depends on has no channel left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .arrays import Bools
from .edits import Removal
from .structure import Branch, Structure


def close_branches(structure: Structure, kept: Bools) -> Bools:
    """Kept channels without those inside of branches that are removed.

    Shape:
        - kept and result: ``(channels,)``
    """
    return kept & without_branches(structure, _removed(structure, kept))


def removals(structure: Structure, kept: Bools) -> tuple[Removal, ...]:
    """The branches that are removed with these kept channels."""
    return tuple(
        Removal(branch.module, branch.bias, branch.dimension, branch.state) for branch in _removed(structure, kept)
    )


def without_branches(structure: Structure, branches: Sequence[Branch]) -> Bools:
    """All channels but those inside of these branches."""
    return ~np.isin(structure.group_of, [group for branch in branches for group in branch.groups])


def _removed(structure: Structure, kept: Bools) -> list[Branch]:
    counts = structure.counts(kept)
    return [branch for branch in structure.branches if any(counts[group] == 0 for group in branch.free)]
