"""Structured pruning of any separator: channel groups from its graph, learned masks, verified surgery.

>>> import torch
>>> from sepprune.pruning import prune
>>> from sepprune.separators import build_separator
>>> result = prune(build_separator("conv-tasnet", bottleneck=16, hidden=32, blocks=2), macs=0.5, method="l2")
>>> result.report["macs_after"] <= 0.5 * result.report["macs_before"]
True
"""

from .budget import Floor
from .cost import Analysis
from .methods.gates import Learning
from .pipeline import METHODS, Prepared, PruneResult, analyze, prepare, prune
from .plan import PruningPlan
from .surgery import SurgeryError

__all__ = [
    "METHODS",
    "Analysis",
    "Floor",
    "Learning",
    "Prepared",
    "PruneResult",
    "PruningPlan",
    "SurgeryError",
    "analyze",
    "prepare",
    "prune",
]
