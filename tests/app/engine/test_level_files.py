"""Files of levels are damaged, mended or replaced while the engine runs: the sound continues, whole files are used."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from app.engine.controls import Controls
from app.engine.events import LevelChanged, LevelFailed, Ready
from app.engine.protocol import Settings
from sepprune.separators import build_separator
from sepprune.streaming import write_ladder
from tests.app.conftest import speech_like

from .watched import Watched

LIGHTER = ("level-1.safetensors", "level-2.safetensors")


@pytest.fixture
def folder(ladder: Path, tmp_path: Path) -> Path:
    """A ladder of which only the dense level is whole, so that the engine does not have the others in memory."""
    copy = Path(shutil.copytree(ladder, tmp_path / "ladder"))
    for name in LIGHTER:
        (copy / name).write_bytes(b"")
    return copy


@pytest.fixture
def engine(folder: Path, sound: Callable[..., Path]) -> Iterator[Watched]:
    process = Watched(Settings(str(sound(speech_like(2.0))), "none", str(folder), backend="openvino"))
    process.start()
    process.wait_for(Ready)
    yield process
    process.stop()


def go_on_at(engine: Watched, level: int) -> None:
    """Wait until a hundred more chunks were processed, the last ones at ``level``."""
    start = engine.telemetry.counters["chunks"]
    engine.wait_until(lambda: engine.telemetry.counters["chunks"] > start + 100)
    assert engine.alive and engine.telemetry.frames_since(int(start) + 50)["level"].tolist()[-1] == level


def test_a_level_whose_file_was_damaged_is_refused_until_it_is_whole_again(
    engine: Watched, folder: Path, ladder: Path
) -> None:
    weights = folder / "level-2.safetensors"
    whole = (ladder / weights.name).read_bytes()
    for damaged in (whole[:-100] + bytes(100), b"", None):
        weights.unlink() if damaged is None else weights.write_bytes(damaged)
        engine.send(Controls(level=2))
        failed = engine.wait_for((LevelFailed, LevelChanged))
        assert isinstance(failed, LevelFailed) and (failed.level, failed.wanted) == (0, 2)
        assert failed.message.startswith("level 2 cannot be used: ") and "level-2.safetensors" in failed.message
        assert "\n" not in failed.message and failed.message.endswith("copy the ladder again")
        go_on_at(engine, 0)
    engine.send(Controls(level=0, mute=True))  # another control does not try the level again
    weights.write_bytes(whole)
    go_on_at(engine, 0)
    engine.send(Controls(level=2))
    changed = engine.wait_for((LevelFailed, LevelChanged))
    while isinstance(changed, LevelChanged) and changed.level == 0:  # the answer to the controls before
        changed = engine.wait_for((LevelFailed, LevelChanged))
    assert isinstance(changed, LevelChanged) and changed.level == 2
    go_on_at(engine, 2)


def test_a_level_of_a_ladder_that_was_replaced_is_not_used(engine: Watched, folder: Path) -> None:
    torch.manual_seed(1)
    settings = {"bottleneck": 8, "hidden": 6, "blocks": 2}
    state = build_separator("conv-tasnet", **settings).state_dict()
    write_ladder(folder, "another", [("conv-tasnet", settings, None, state, {"macs_per_second": 1e6})] * 2)
    engine.send(Controls(level=1))
    failed = engine.wait_for((LevelFailed, LevelChanged))
    assert isinstance(failed, LevelFailed)
    assert failed.message == (
        f"level 1 cannot be used: {folder} holds another ladder since it was opened, so level-1.safetensors is not "
        "read: open the ladder again"
    )
    go_on_at(engine, 0)
