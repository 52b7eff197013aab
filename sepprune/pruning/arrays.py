"""Types of the NumPy arrays that pruning works with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: channel numbers, labels, counts
Ints = NDArray[np.int64]

#: scores and costs
Floats = NDArray[np.float64]

#: which channels are kept
Bools = NDArray[np.bool_]
