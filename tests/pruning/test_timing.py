"""Chunk time as a budget, from a table of measured layer times."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import discover
from sepprune.pruning.timing import time_cost


def test_time_falls_with_channels_and_never_below_what_does_not_depend_on_them() -> None:
    module = nn.Sequential(nn.Conv1d(4, 256, 1), nn.ReLU(), nn.Conv1d(256, 256, 9, padding=4), nn.Conv1d(256, 4, 1))
    structure = discover(freeze(module), [(torch.randn(1, 4, 400),)])
    cost = time_cost(structure)
    times = [float(cost.total(structure.sizes * share)) for share in (0, 0.25, 0.5, 1.0)]
    assert times == sorted(times) and 0 <= times[0] < times[-1]
    assert np.isfinite(times).all()
