"""Growth keeps what a separator computes."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sepprune.errors import UserError
from sepprune.separators import build_separator
from sepprune.separators.growth import grow, place

SMALL = {"features": 16, "hidden": 12, "blocks": 2, "segment": 10, "memory": 8, "low_bins": 20}


def skim(**changes: int) -> nn.Module:
    return build_separator("skim", **(SMALL | changes))


@settings(max_examples=10, deadline=None)
@given(
    hidden=st.integers(12, 20),
    blocks=st.integers(2, 4),
    memory=st.integers(8, 12),
    consistency=st.sampled_from([(0, 0), (0, 4), (4, 4)]),
    seed=st.integers(0, 1000),
)
def test_a_grown_separator_computes_what_the_small_one_computes(
    hidden: int, blocks: int, memory: int, consistency: tuple[int, int], seed: int
) -> None:
    torch.manual_seed(seed)
    small = skim(consistency=consistency[0])
    if small.consistency:
        nn.init.normal_(small.consistency.share.weight)
    large = grow(small, skim(hidden=hidden, blocks=blocks, memory=memory, consistency=consistency[1]))
    mixture = torch.randn(2, 128 * 35)
    torch.testing.assert_close(large(mixture)[0], small(mixture)[0])


def test_new_units_and_blocks_learn() -> None:
    torch.manual_seed(0)
    small = skim()
    large = grow(small, skim(hidden=16, blocks=3))
    large(torch.randn(2, 128 * 35))[0].square().mean().backward()
    assert float(large.network[0].project.weight.grad[:, 12:].abs().min()) > 0
    assert float(large.network[2].project.weight.grad.abs().max()) > 0


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"blocks": 1}, "2 blocks do not grow into 1"),
        ({"hidden": 8}, r"of shape \(48, 16\) does not grow into \(32, 16\)"),
        ({"low_bins": 24}, "give the same filterbank"),
        ({"segment": 20}, "segments of 10 frames do not grow into 20"),
        ({"features": 20}, "16 features do not grow into 20: give as many"),
        ({"consistency": 6}, "consistency of 4 units does not grow into 6"),
        ({"consistency": 0}, "consistency of 4 units does not grow into 0"),
    ],
)
def test_a_separator_that_is_not_larger_is_refused(changes: dict[str, int], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        grow(skim(consistency=4), skim(**({"consistency": 4} | changes)))


def test_other_separators_are_refused() -> None:
    with pytest.raises(UserError, match="only SkiM grows: this is ConvTasNet into SkiM"):
        grow(build_separator("conv-tasnet"), skim())


def test_old_rows_read_nothing_from_new_columns() -> None:
    new, old = torch.full((3, 4), 9.0), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    place(new, old, [torch.tensor([0, 2]), torch.tensor([1, 3])])
    assert new.tolist() == [[0, 1, 0, 2], [9, 9, 9, 9], [0, 3, 0, 4]]


def test_vectors_keep_their_new_entries_and_counters_are_copied() -> None:
    vector, counter = torch.full((3,), 9.0), torch.tensor(9)
    place(vector, torch.tensor([1.0]), [torch.tensor([1])])
    place(counter, torch.tensor(4), [])
    assert vector.tolist() == [9, 1, 9] and int(counter) == 4
