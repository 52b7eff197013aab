"""The small ladder of the app's tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of levels with random weights: they separate badly, but their output differs from the mixture."""
    from ..app.conftest import write_tiny_ladder

    return write_tiny_ladder(tmp_path_factory.mktemp("ladder"))
