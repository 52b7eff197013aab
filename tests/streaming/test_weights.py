from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from sepprune.rounding import rounded, widened
from sepprune.streaming.weights import single_precision


@given(shape=st.sampled_from([(3,), (4, 5), (0, 3), (2, 1, 16), (2, 1, 4)]), seed=st.integers(0, 99))
def test_stored_weights_are_the_same_numbers_with_and_without_torch(shape: tuple[int, ...], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    stored = rounded({"weight": torch.randn(shape, generator=generator), "counter": torch.tensor(7)})
    arrays = single_precision({name: value.numpy() for name, value in stored.items()})
    assert arrays.keys() == widened(stored).keys()
    for name, value in widened(stored).items():
        np.testing.assert_array_equal(arrays[name], value.numpy())
        assert arrays[name].dtype == value.numpy().dtype
