from __future__ import annotations

import os
from pathlib import Path

import pytest
from openvino_telemetry.utils.sender import TelemetrySender

from sepprune.streaming import Ladder
from sepprune.streaming.conversion import write


def test_converting_tells_nobody(tcn_ladder: Ladder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    sent: list[object] = []
    monkeypatch.setattr(TelemetrySender, "send", lambda *message: sent.append(message))
    write(tcn_ladder[0], 128, "openvino", tmp_path)
    assert sent == [] and "CI" not in os.environ
