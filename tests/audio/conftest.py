"""The same small ladder as the app's tests, but for voices that differ from the mixture."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a level with random weights: no good separation, but one that can be recognised."""
    from ..app.conftest import write_tiny_ladder

    return write_tiny_ladder(tmp_path_factory.mktemp("ladder"))
