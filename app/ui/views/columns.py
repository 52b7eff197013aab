"""A scrolling image, stored as one column of bytes for each step of time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class ColumnRing:
    """The newest ``width`` columns of an image, as one window of a larger buffer, without moving any byte.

    The buffer has twice the width, and every column is written twice, ``width`` apart. So the newest ``width`` columns
    are always adjacent, starting at :attr:`start`.

    Args:
        rows: height in pixels, the first row on top.
        width: columns that are kept.
        dtype: of a pixel.

    Attributes:
        buffer: the memory, ``(rows, at least 2 * width)``.
        start: first column of the window in the buffer.
        filled: columns that were appended, ``width`` at most.
    """

    def __init__(self, rows: int, width: int, dtype: DTypeLike = np.uint8) -> None:
        self.rows, self.width = rows, width
        # lines of a QImage start at multiples of 4 bytes
        self.buffer = np.zeros((rows, -(-2 * width // 4) * 4), dtype)
        self.start = 0
        self.filled = 0

    def append(self, columns: NDArray[Any]) -> None:
        """Add ``columns`` (rows, n), oldest first."""
        columns = columns[:, -self.width :]
        count = columns.shape[1]
        first = min(count, self.width - self.start)
        for begin, part in ((self.start, columns[:, :first]), (0, columns[:, first:])):
            end = begin + part.shape[1]
            self.buffer[:, begin:end] = part
            self.buffer[:, begin + self.width : end + self.width] = part
        self.start = (self.start + count) % self.width
        self.filled = min(self.width, self.filled + count)

    def window(self) -> NDArray[Any]:
        """The newest columns ``(rows, width)``, the oldest on the left: a view, valid until the next :meth:`append`."""
        return self.buffer[:, self.start : self.start + self.width]
