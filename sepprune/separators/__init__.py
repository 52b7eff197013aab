"""Separators: models that map a mixture ``(batch, samples)`` to sources ``(batch, sources, samples)``.

One file a family; :mod:`~sepprune.separators.layers` holds what they share. Build one by name::

    >>> from sepprune.separators import build_separator
    >>> model = build_separator("conv-tasnet", bottleneck=16, hidden=32, blocks=2)
    >>> model.latency_ms
    16.0
"""

from .base import CausalSeparator
from .registry import build_separator, separator_names

__all__ = ["CausalSeparator", "build_separator", "separator_names"]
