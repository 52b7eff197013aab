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
from .methods.learning import Learning
from .methods.protocol import Choice, Evidence, Method, Ranking, Task
from .methods.registry import METHODS
from .pipeline import prune
from .plan import PruningPlan
from .prepared import Prepared, analyze, prepare
from .result import PruneResult, load_pruned
from .rounds import prune_in_rounds
from .surgery import SurgeryError

__all__ = [
    "METHODS",
    "Analysis",
    "Choice",
    "Evidence",
    "Floor",
    "Learning",
    "Method",
    "Prepared",
    "PruneResult",
    "PruningPlan",
    "Ranking",
    "SurgeryError",
    "Task",
    "analyze",
    "load_pruned",
    "prepare",
    "prune",
    "prune_in_rounds",
]
