import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.ui.views.columns import ColumnRing


@given(width=st.integers(1, 30), blocks=st.lists(st.integers(0, 70), max_size=12))
def test_the_window_is_the_newest_columns_whatever_the_blocks(width, blocks):
    ring, everything = ColumnRing(3, width), np.zeros((3, width), np.uint8)
    for number, count in enumerate(blocks):
        block = np.random.default_rng(number).integers(0, 256, (3, count), dtype=np.uint8)
        ring.append(block)
        everything = np.concatenate([everything, block], axis=1)
    np.testing.assert_array_equal(ring.window(), everything[:, everything.shape[1] - width :])
    assert ring.filled == min(width, sum(blocks))


def test_image_lines_start_at_multiples_of_four_bytes():
    assert all(ColumnRing(2, width).buffer.shape[1] % 4 == 0 for width in range(1, 9))
