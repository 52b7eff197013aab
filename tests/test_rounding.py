from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sepprune.rounding import rounded, widened


@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 9),
    seed=st.integers(0, 99),
    size=st.floats(1e-6, 1e6),
    bits=st.integers(2, 8),
)
def test_no_number_of_a_matrix_moves_by_more_than_half_a_step_of_its_row(
    rows: int, columns: int, seed: int, size: float, bits: int
) -> None:
    matrix = size * torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    step = matrix.abs().amax(1, keepdim=True) / 127 * 2 ** (8 - bits)
    error = (widened(rounded({"weight": matrix}, bits))["weight"] - matrix).abs()
    assert bool((error <= step * 0.501).all())


@pytest.mark.parametrize("bits", [6, 8])
def test_rounding_what_was_rounded_changes_nothing(bits: int) -> None:
    once = widened(rounded({"weight": torch.randn(4, 5), "bias": torch.randn(4)}, bits))
    twice = widened(rounded(once))
    torch.testing.assert_close(twice, once, rtol=1e-6, atol=0)


def test_vectors_and_short_filters_keep_half_precision_and_counters_their_type() -> None:
    state = {"bias": torch.randn(3), "filters": torch.randn(2, 1, 4), "counter": torch.tensor(7)}
    stored = rounded(state)
    assert [stored[name].dtype for name in state] == [torch.float16, torch.float16, torch.int64]
    assert widened(stored).keys() == state.keys()


@given(shape=st.sampled_from([(3, 1, 16), (2, 4, 5), (1, 3, 4, 5)]), seed=st.integers(0, 99), bits=st.integers(2, 8))
def test_no_tap_of_a_filter_moves_by_more_than_half_a_step_of_8_bits(
    shape: tuple[int, ...], seed: int, bits: int
) -> None:
    filters = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    back = widened(rounded({"filters": filters}, bits))["filters"]
    step = filters.flatten(1).abs().amax(1, keepdim=True) / 127
    assert bool(((back - filters).flatten(1).abs() <= step * 0.501).all())


def test_a_row_of_zeros_stays_one() -> None:
    assert bool((widened(rounded({"weight": torch.zeros(2, 3)}))["weight"] == 0).all())


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 1, 512)])
def test_tensors_that_were_pruned_to_nothing_keep_their_shape(shape: tuple[int, ...]) -> None:
    assert widened(rounded({"weight": torch.zeros(shape)}))["weight"].shape == shape


def test_weights_that_were_never_rounded_pass() -> None:
    state = {"weight": torch.randn(2, 3), "bias": torch.randn(2)}
    torch.testing.assert_close(widened(state), state)


@pytest.mark.parametrize("bits", [1, 9])
def test_other_numbers_of_bits_are_refused(bits: int) -> None:
    with pytest.raises(ValueError, match=f"{bits} bits: give 2 to 8"):
        rounded({}, bits)
