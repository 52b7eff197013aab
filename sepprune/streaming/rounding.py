"""The storage format of a ladder's weights, from :mod:`sepprune.rounding`."""

from __future__ import annotations

from ..rounding import rounded, widened

__all__ = ["rounded", "widened"]
