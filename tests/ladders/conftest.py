"""A tiny ladder: its configuration, and the separator that it is made of."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from sepprune.commands.train import ALLOCATOR
from sepprune.separators import build_separator
from tests.training.conftest import data_folder, own_cache

__all__ = ["data_folder", "ladder_config", "own_cache"]

MODEL = {"features": 16, "hidden": 24, "blocks": 2, "segment": 10, "memory": 8}
LEVELS = """
[[level]]
[[level]]
macs = 0.7
[[level]]
macs = 0.4
"""


@pytest.fixture
def ladder_config(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dense level and two cut out of it, of 70 and 40 % of the MACs."""
    for name, value in ALLOCATOR.items():
        monkeypatch.setenv(name, value)  # so that the command does not restart itself
    torch.manual_seed(0)
    save_file(build_separator("skim", **MODEL).state_dict(), tmp_path / "dense.safetensors")
    path = tmp_path / "ladder.toml"
    path.write_text(
        textwrap.dedent(f"""
        name = "small"
        out = "{tmp_path / "ladder"}"
        runs = "{tmp_path / "runs"}"
        mask_steps = 3
        [card]
        data = "synthetic voices"
        {{levels}}
        [training]
        data = "{data_folder}"
        threads = 1
        validation_mixtures = 2
        [training.model]
        name = "skim"
        settings = {{{{features = 16, hidden = 24, blocks = 2, segment = 10, memory = 8}}}}
        weights = "{tmp_path / "dense.safetensors"}"
        [training.mixtures]
        seconds = 0.8
        batch = 2
        """).format(levels=LEVELS)
    )
    return path
