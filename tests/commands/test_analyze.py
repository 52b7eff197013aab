"""``sepprune analyze``: tables for people, JSON for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sepprune.cli import main

SMALL = "conv-tasnet:bottleneck=12,hidden=16/12,blocks=2,hop=8,window=16,analysis_window=32"
BLOCKED = """
from tests.pruning.small_separators import build

def make():
    return build("convolution across channels")
"""


GROUPED = """
from torch import nn

def make():
    return nn.Sequential(nn.Conv1d(1, 32, 3), nn.Conv1d(32, 32, 3, groups=16), nn.Conv1d(32, 2, 1))
"""


def test_analyze_gives_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", SMALL, "--json", "-"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {"params", "macs_per_second", "modules", "groups", "blocked"} <= report.keys()
    assert {"name", "params", "macs_per_second", "share"} <= report["modules"][0].keys()
    assert {"id", "channels", "unit", "macs_per_second", "params", "layers", "alike"} <= report["groups"][0].keys()


def test_analyze_prints_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", SMALL]) == 0
    assert "Channel groups" in capsys.readouterr().out


def test_groups_of_repeated_blocks_share_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", SMALL.replace("16/12", "16/16")]) == 0
    assert "network.*.expand" in capsys.readouterr().out


def test_units_of_several_channels_are_shown_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "grouped.py").write_text(GROUPED)
    model = f"{tmp_path / 'grouped.py'}:make"
    assert main(["analyze", model, "--sample-rate", "800"]) == 0
    shown = capsys.readouterr().out
    assert "16 × 2" in shown and "16 units of 2 channels" in " ".join(shown.split())
    assert (
        main(["prune", model, "--sample-rate", "800", "--macs", "0.6", "--method", "l2", "--out", str(tmp_path)]) == 0
    )
    assert "16 × 2" in capsys.readouterr().out
    assert json.loads((tmp_path / "report.json").read_text())["groups"][0]["unit"] == 2


def test_blocked_channels_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "blocked.py").write_text(BLOCKED)
    assert main(["analyze", f"{tmp_path / 'blocked.py'}:make", "--sample-rate", "800", "--like-ptflops"]) == 0
    assert "cannot be pruned safely" in capsys.readouterr().out
