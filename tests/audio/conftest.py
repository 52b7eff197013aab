"""The small ladder of the app's tests, and a sound server that programs of this process find."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .virtual_audio import VirtualAudio


@pytest.fixture(scope="session")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of levels with random weights: they separate badly, but their output differs from the mixture."""
    from ..app.conftest import write_tiny_ladder

    return write_tiny_ladder(tmp_path_factory.mktemp("ladder"))


@pytest.fixture
def audio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualAudio]:
    """The server of this process and its children, with a second loudspeaker, ``other``."""
    server = VirtualAudio(tmp_path, 48_000)
    server.load("other")
    for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_SERVER"):
        monkeypatch.setenv(name, server.environment[name])
    yield server
    server.close()
