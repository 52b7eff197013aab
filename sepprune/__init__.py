"""SepPrune: compress speech separators by learned channel pruning, and stream the result.

Names are imported when first used, so that a stream on a compiled backend never loads torch.
"""

from __future__ import annotations

import importlib
from typing import Any

from .extras import require

__version__ = "0.1.0"

_HOMES = {
    "analyze": "sepprune.pruning",
    "prune": "sepprune.pruning",
    "prune_in_rounds": "sepprune.pruning",
    "load_pruned": "sepprune.pruning",
    "PruningPlan": "sepprune.pruning",
    "build_separator": "sepprune.separators",
    "Ladder": "sepprune.streaming",
    "StreamingSeparator": "sepprune.streaming",
    "UserError": "sepprune.errors",
}

_NEED_TORCH = ("sepprune.pruning", "sepprune.separators")

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sepprune' has no attribute {name!r}")
    if _HOMES[name] in _NEED_TORCH:
        require("torch", extra="train", purpose=f"sepprune.{name}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
