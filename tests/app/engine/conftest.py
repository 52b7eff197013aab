"""Engines over a virtual clock, and an engine in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.engine.protocol import Settings
from tests.app.conftest import speech_like
from tests.app.engine.rig import Rig
from tests.app.engine.watched import Watched


@pytest.fixture
def rig(ladder: Path, sound: Callable[..., Path]) -> Iterator[Callable[..., Rig]]:
    rigs = []

    def build(samples: np.ndarray | None = None, **controls: Any) -> Rig:
        rigs.append(Rig(ladder, sound(speech_like(1.0) if samples is None else samples), **controls))
        return rigs[-1]

    yield build
    for one in rigs:
        one.separator.close()


@pytest.fixture
def settings(ladder: Path, sound: Callable[..., Path]) -> Settings:
    return Settings(str(sound(speech_like(2.0))), "none", str(ladder))


@pytest.fixture
def engine(settings: Settings) -> Iterator[Watched]:
    process = Watched(settings)
    yield process
    process.stop()
