"""Another process that looks for leftovers at the worst moment."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from sepprune.files import lock, remove_leftovers


def searched_before_the_lock(folder: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the other process look into ``folder`` when ``module`` is about to lock something new for the first time.

    Returns:
        the descriptors that are locked, one for each new file or folder.
    """
    begun: list[int] = []

    def lock_late(descriptor: int) -> None:
        begun.append(descriptor)
        if len(begun) == 1:
            remove_leftovers(folder)
        lock(descriptor)

    monkeypatch.setattr(module, "lock", lock_late)
    return begun
