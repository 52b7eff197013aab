"""Channel labels: which channels of which tensors must be kept or dropped together.

Every index along every dimension of every parameter starts with a label of its own. An operation *ties* labels that
must be dropped together and *freezes* labels that must not be dropped. Labels that are not frozen at the end are
channels that can be pruned.

A dimension is described by a :data:`Vector`: one label per index, with :data:`FIXED` where an index can never be
dropped, or ``None`` where no index of the dimension can (time, batch, taps).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Ints

#: the label of an index that is never dropped
FIXED = 0

#: one label per index of a dimension; ``None`` when all of them are fixed
Vector = Ints | None


class Reason(NamedTuple):
    """Why channels cannot be dropped: the layer, the operation, and the explanation."""

    layer: str
    op: str
    why: str


class Labels:
    """Disjoint sets of labels (union-find). A set is free, or frozen with the first reason that was given."""

    def __init__(self) -> None:
        self._parent: Ints = np.zeros(1024, dtype=np.int64)
        self._used = 1
        self._frozen: dict[int, Reason] = {}
        self._is_frozen = np.zeros(1024, dtype=np.bool_)  # of representatives; settling looks up many at once

    def fresh(self, size: int) -> Vector:
        """``size`` new labels; ``None`` for a dimension of one index, which cannot lose it."""
        if size <= 1:
            return None
        while self._used + size > len(self._parent):
            self._parent = np.concatenate([self._parent, np.zeros_like(self._parent)])
            self._is_frozen = np.concatenate([self._is_frozen, np.zeros_like(self._is_frozen)])
        labels: Ints = np.arange(self._used, self._used + size, dtype=np.int64)
        self._parent[labels] = labels
        self._used += size
        return labels

    def find(self, vector: Ints) -> Ints:
        """The representative of every label, whether its set is frozen or free."""
        roots: Ints = self._parent[vector]
        while True:
            above: Ints = self._parent[roots]
            if np.array_equal(above, roots):
                break
            roots = above
        self._parent[vector] = roots
        return roots

    def tie(self, first: Vector, second: Vector, reason: Reason) -> Vector:
        """Tie two dimensions of equal size index by index; where one is fixed, the other is frozen."""
        if first is None or second is None:
            self.freeze(first, reason)
            self.freeze(second, reason)
            return None
        first, second = self.find(first), self.find(second)
        for a, b in np.unique(np.stack([first, second], axis=1)[first != second], axis=0).tolist():
            # the oldest label represents its set, so that following another graph later keeps the representatives
            a, b = sorted((self._root(a), self._root(b)))
            if a == b:
                continue
            if a == FIXED:
                self.freeze(np.array([b]), reason)
                continue
            self._parent[b] = a
            if b in self._frozen:
                self._frozen.setdefault(a, self._frozen.pop(b))
                self._is_frozen[a], self._is_frozen[b] = True, False
        return self.find(np.where(first == FIXED, second, first))

    def _root(self, label: int) -> int:
        """The representative of one label."""
        while (above := int(self._parent[label])) != label:
            label = above
        return label

    def freeze(self, vector: Vector, reason: Reason) -> None:
        """Never drop these indices."""
        if vector is not None:
            for root in np.unique(self.find(vector)):
                if root != FIXED:
                    self._frozen.setdefault(int(root), reason)
                    self._is_frozen[root] = True

    def meet(self, first: Vector, second: Vector) -> bool:
        """Whether an index of one dimension is tied to one of the other."""
        if first is None or second is None:
            return False
        common = np.intersect1d(self.find(first), self.find(second))
        return bool(common.any())

    def settle(self, vector: Vector) -> Vector:
        """Representatives, with :data:`FIXED` for every frozen label; ``None`` when no index is free."""
        if vector is None:
            return None
        roots = self.find(vector)
        roots = np.where(self._is_frozen[roots], FIXED, roots)
        return roots if roots.any() else None

    def reason(self, vector: Vector) -> Reason | None:
        """Why the first frozen index of a dimension is frozen; ``None`` when none is."""
        if vector is None:
            return None
        return next((self._frozen[root] for root in self.find(vector).tolist() if root in self._frozen), None)
