"""The weights of a level as numpy arrays, from what a ladder stores. Torch is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: a stored weight of any type
Array = NDArray[Any]

#: name of the scales of a tensor that is stored as integers, one scale for each row; see :mod:`sepprune.rounding`
_SCALE = "{}.scale"


def single_precision(stored: Mapping[str, Array]) -> dict[str, Array]:
    """Weights in single precision, as :func:`sepprune.rounding.widened` gives them for torch.

    Args:
        stored: tensors of a ladder's or any other safetensors file. Integers that have scales become numbers again;
            integers without scales (counters of training) stay as they are.

    Raises:
        ValueError: a tensor has not one scale for each row.
    """
    scales = {name: stored[_SCALE.format(name)] for name in stored if _SCALE.format(name) in stored}
    names_of_scales = set(map(_SCALE.format, scales))
    weights = {}
    for name, value in stored.items():
        if name in scales:
            if value.ndim < 2 or scales[name].shape != value.shape[:1]:
                raise ValueError(f"{name} {value.shape} has scales {scales[name].shape}, expected one for each row")
            scale = scales[name].astype(np.float32).reshape(-1, *[1] * (value.ndim - 1))
            weights[name] = value.astype(np.float32) * scale
        elif name not in names_of_scales:
            weights[name] = value.astype(np.float32) if np.issubdtype(value.dtype, np.floating) else value
    return weights


def not_finite(weights: Mapping[str, Array]) -> str | None:
    """The name of a tensor with infinite numbers or NaN, ``None`` where there is none."""
    floating = (name for name, value in weights.items() if np.issubdtype(value.dtype, np.floating))
    return next((name for name in floating if not np.isfinite(weights[name]).all()), None)
