"""Types of the arrays that the engine and the window exchange."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: sound, full scale 1.0; the shape is stated where it is used
Samples = NDArray[np.float32]

#: rows of :data:`app.engine.telemetry.FRAME`; Any: NumPy has no type for a structured row
Frames = NDArray[Any]
