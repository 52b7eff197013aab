"""A scrolling image: one column of bytes for each step of time."""

from __future__ import annotations

import numpy as np


class ColumnRing:
    """The newest ``width`` columns of a uint8 image, readable as one contiguous window without moving any byte.

    Every column is written twice, ``width`` apart, in a buffer of double width; so the newest ``width`` columns
    always lie side by side, starting at :attr:`start`.

    Args:
        rows: height in pixels, the first row on top.
        width: columns that are kept.
    """

    def __init__(self, rows: int, width: int) -> None:
        self.rows, self.width = rows, width
        self.buffer = np.zeros((rows, -(-2 * width // 4) * 4), dtype=np.uint8)  # image lines start at multiples of 4
        self.start = 0
        self.filled = 0

    def append(self, columns: np.ndarray) -> None:
        """Add ``columns`` (rows, n) uint8, oldest first."""
        columns = columns[:, -self.width :]
        count = columns.shape[1]
        first = min(count, self.width - self.start)
        for begin, part in ((self.start, columns[:, :first]), (0, columns[:, first:])):
            end = begin + part.shape[1]
            self.buffer[:, begin:end] = part
            self.buffer[:, begin + self.width : end + self.width] = part
        self.start = (self.start + count) % self.width
        self.filled = min(self.width, self.filled + count)

    def window(self) -> np.ndarray:
        """The newest columns, ``(rows, width)``, oldest left: a view, valid until the next :meth:`append`."""
        return self.buffer[:, self.start : self.start + self.width]
