"""Engines over a virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.app.conftest import speech_like
from tests.app.engine.rig import Rig


@pytest.fixture
def rig(ladder: Path, sound: Callable[..., Path]) -> Iterator[Callable[..., Rig]]:
    rigs = []

    def build(samples: np.ndarray | None = None, **controls: Any) -> Rig:
        rigs.append(Rig(ladder, sound(speech_like(1.0) if samples is None else samples), **controls))
        return rigs[-1]

    yield build
    for one in rigs:
        one.separator.close()
