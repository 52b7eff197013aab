"""The table of all methods, by name. To add one, see ``docs/adding-a-rule.md``."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import UserError
from .fpgm import FPGM
from .hrank import HRank
from .lamp import LAMP
from .magnitude import L1, L2
from .protocol import Method
from .random_scores import Random
from .sepprune_budget import SepPrune
from .sepprune_threshold import SepPruneThreshold
from .taylor import Taylor

REGISTRY: Mapping[str, Method] = {
    method.name: method for method in (SepPrune(), Random(), L1(), L2(), Taylor(), FPGM(), HRank(), LAMP())
}

#: names of all methods
METHODS = tuple(REGISTRY)

#: names of the methods that only look at weights
WITHOUT_DATA = tuple(name for name, method in REGISTRY.items() if not method.needs_data)


def method_for(method: str | Method, threshold: float | None = None) -> Method:
    """The method that :func:`sepprune.prune` was asked for.

    Args:
        method: a name, or a method.
        threshold: of the published method; ``None`` where there is a budget.

    Raises:
        UserError: no method has this name, or the method takes no threshold.
    """
    if isinstance(method, str) and method not in REGISTRY:
        raise UserError(f"no pruning method is called {method!r}: choose from {', '.join(METHODS)}")
    found = REGISTRY[method] if isinstance(method, str) else method
    if threshold is None:
        return found
    if found.name != SepPrune.name:
        raise UserError(f"a threshold belongs to the method sepprune; {found.name} needs a budget: give macs or params")
    return SepPruneThreshold(threshold)
