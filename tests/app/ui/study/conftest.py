"""Studies opened in the real pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.ui.study.listener import Listener, open_window
from tests.study.studies import small_study


@pytest.fixture
def start(tmp_path: Path, qtbot) -> Callable[..., Listener]:
    """Opens a small study at its first page; windows stay alive until the test ends."""
    windows = []

    def start_study(method: str, seed: int | None = 3, name: str = "study", **settings: object) -> Listener:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        study = small_study(folder, method, **settings)
        window, speaker = open_window(study, folder / "results", qtbot, seed)
        windows.append(window)
        return Listener(window, speaker)

    return start_study


@pytest.fixture
def opened(start: Callable[..., Listener]) -> Callable[..., Listener]:
    """Opens a small study and leads a listener to its first question."""

    def open_study(method: str, **settings: object) -> Listener:
        listener = start(method, **settings)
        listener.reach_the_first_question()
        return listener

    return open_study
