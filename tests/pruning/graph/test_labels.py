"""Labels: tied indices are dropped together, frozen ones never."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sepprune.pruning.graph.labels import FIXED, Labels, Reason

WHY = Reason("layer", "op", "why")
pairs = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12)


@given(pairs, st.sets(st.integers(0, 9)))
def test_labels_are_equal_exactly_where_ties_connect_them(ties: list[tuple[int, int]], frozen: set[int]) -> None:
    labels = Labels()
    vector = labels.fresh(10)
    expected = {index: {index} for index in range(10)}
    for index in frozen:
        labels.freeze(vector[[index]], WHY)
    for a, b in ties:
        labels.tie(vector[[a]], vector[[b]], WHY)
        merged = expected[a] | expected[b]
        for index in merged:
            expected[index] = merged
    roots, settled = labels.find(vector), labels.settle(vector)
    for a in range(10):
        assert {b for b in range(10) if roots[b] == roots[a]} == expected[a]
        assert (settled is None or settled[a] == FIXED) == bool(expected[a] & frozen)


def test_a_tie_with_a_fixed_dimension_freezes_and_says_why() -> None:
    labels = Labels()
    vector = labels.fresh(4)
    assert labels.tie(vector, None, WHY) is None
    assert labels.settle(vector) is None
    assert labels.reason(vector) == WHY


def test_a_tie_with_partly_fixed_indices_freezes_only_those() -> None:
    labels = Labels()
    vector = labels.fresh(3)
    labels.tie(vector, np.array([FIXED, *labels.fresh(2)]), WHY)
    assert (labels.settle(vector) == FIXED).tolist() == [True, False, False]


def test_a_dimension_of_one_index_has_no_labels() -> None:
    assert Labels().fresh(1) is None
