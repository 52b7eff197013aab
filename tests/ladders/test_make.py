"""One configuration makes a whole ladder, and continues where it was interrupted."""

from __future__ import annotations

import csv
import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sepprune.errors import UserError
from sepprune.ladders.make import Events, LadderMaker, Made
from sepprune.ladders.settings import load_ladder_settings
from sepprune.pruning import PruningPlan
from sepprune.streaming import Ladder
from sepprune.training.processes import Processes
from tests.ladders.conftest import LEVELS

MINUTES = 0.02
NESTED = """
[[level]]
time_share = 0
[[level]]
macs = 0.7
contains = 2
[[level]]
macs = 0.5
[[level]]
macs = 0.3
cut_from = 2
"""


def rewrite(config: Path, levels: str, top: str = "", training: str = "") -> None:
    """Other levels, more entries at the top, more tables at the end."""
    config.write_text(top + "\n" + config.read_text().replace(LEVELS, levels) + "\n" + training)


def maker_of(config: Path, start: str | None = None, events: Events | None = None) -> LadderMaker:
    return LadderMaker(load_ladder_settings(str(config), start=start), Processes(), events)


def kept_channels(folder: Path) -> dict[str, set[int]]:
    return {group.id: set(group.keep) for group in PruningPlan.load(folder / "plan.json").groups}


def optimiser_of(folder: Path) -> dict[str, object]:
    settings: dict[str, dict[str, object]] = json.loads((folder / "settings.json").read_text())
    return settings["optimiser"]


def test_one_call_makes_levels_that_contain_or_are_cut_from_others(ladder_config: Path, tmp_path: Path) -> None:
    rewrite(ladder_config, NESTED)
    seen: list[list[int]] = []
    made = maker_of(ladder_config, events=Events(lambda levels, minutes: seen.append(list(levels)))).make(
        range(4), MINUTES
    )
    assert seen == [[2], [1, 3]]  # the dense level is used as it is
    assert made.complete and [report["level"] for report in made.levels] == [1, 2, 3]
    heavy, middle, light = (kept_channels(tmp_path / f"runs/level-{level}") for level in (1, 2, 3))
    assert all(heavy[name] >= middle[name] >= light[name] for name in middle) and heavy != middle != light
    ladder = Ladder.load(maker_of(ladder_config).write())
    shares = [level.macs_per_second / ladder.levels[0].macs_per_second for level in ladder.levels]
    assert shares == pytest.approx([1.0, 0.7, 0.5, 0.3], abs=0.03)
    for level in ladder.levels:
        assert level.build()(torch.zeros(1, 1280))[0].shape == (1, 2, 1280)


def test_what_is_finished_is_not_done_again(ladder_config: Path, tmp_path: Path) -> None:
    assert maker_of(ladder_config).make([2], MINUTES).complete
    weights = tmp_path / "runs/level-2/best.safetensors"
    before = weights.stat().st_mtime_ns
    maker = maker_of(ladder_config)
    assert maker.unfinished() == [0, 1]
    first = maker.make(range(3), MINUTES)
    assert weights.stat().st_mtime_ns == before
    assert maker_of(ladder_config).make(range(3), MINUTES) == first == Made(first.levels, True)
    assert len(Ladder.load(maker.write()).levels) == 3


def test_a_level_is_cut_out_of_the_fine_tuned_level_that_it_names(ladder_config: Path, tmp_path: Path) -> None:
    rewrite(ladder_config, LEVELS + "cut_from = 1\n")
    assert maker_of(ladder_config).make([1, 2], MINUTES).complete
    first, second = (kept_channels(tmp_path / f"runs/level-{level}") for level in (1, 2))
    assert all(second[name] <= first[name] for name in first) and first != second
    ladder = Ladder.load(maker_of(ladder_config).write())
    assert ladder[2].macs_per_second / ladder[0].macs_per_second == pytest.approx(0.4, abs=0.02)
    heavier, start = (
        load_file(tmp_path / "runs" / file)["norm.weight"]
        for file in ("level-1/best.safetensors", "level-2/start.safetensors")
    )
    assert set(start.tolist()) <= set(heavier.tolist())
    assert json.loads((tmp_path / "runs/level-2/prune.json").read_text())["cut_from_level"] == 1


def test_levels_of_a_stage_get_the_same_mixtures_and_keep_their_own_settings(
    ladder_config: Path, tmp_path: Path
) -> None:
    levels = '[[level]]\n[[level]]\nmacs = 0.7\nlearning_rate = 2e-3\nhints = ["norm"]\n[[level]]\nmacs = 0.4\n'
    rewrite(ladder_config, levels + "imitation = 0.5\n")
    one, other = maker_of(ladder_config).make([1, 2], MINUTES).levels
    assert one["steps"] == other["steps"] > 0
    runs = [json.loads((tmp_path / f"runs/level-{level}/settings.json").read_text()) for level in (1, 2)]
    assert [run["optimiser"]["learning_rate"] for run in runs] == [2e-3, 1e-3]
    assert [run["hints"] for run in runs] == [["norm"], []] and [run["imitation"] for run in runs] == [0, 0.5]


def test_stages_share_the_time(ladder_config: Path) -> None:
    rewrite(ladder_config, NESTED.replace("macs = 0.5", "macs = 0.5\ntime_share = 2"))
    minutes: list[float] = []
    maker_of(ladder_config, events=Events(lambda levels, share: minutes.append(share))).make(range(4), MINUTES)
    assert minutes == pytest.approx([MINUTES / 2, MINUTES / 2])


def test_a_level_without_time_is_stored_as_it_was_cut(ladder_config: Path, tmp_path: Path) -> None:
    rewrite(ladder_config, "[[level]]\ntime_share = 0\n[[level]]\nmacs = 0.7\ntime_share = 0\n")
    made = maker_of(ladder_config).make([0, 1], MINUTES)
    assert made == Made((), True) and not (tmp_path / "runs/level-1/best.safetensors").exists()
    assert len(Ladder.load(maker_of(ladder_config).write()).levels) == 2


def test_levels_keep_multiples_of_what_is_asked_for(ladder_config: Path, tmp_path: Path) -> None:
    rewrite(ladder_config, LEVELS, "round_to = 4")
    maker_of(ladder_config).make([1], MINUTES)
    groups = PruningPlan.load(tmp_path / "runs/level-1/plan.json").groups
    assert all(len(group.keep) % 4 == 0 or len(group.keep) == group.channels for group in groups)


def test_branches_go_whole_where_they_would_be_narrow(ladder_config: Path, tmp_path: Path) -> None:
    rewrite(ladder_config, LEVELS, "whole_branches = true\nnarrowest = 20", '[training.optimiser]\nmethod = "muon"')
    maker = maker_of(ladder_config)
    maker.make([2], MINUTES)
    report = json.loads((tmp_path / "runs/level-2/prune.json").read_text())
    kept = {group["id"]: group["kept"] for group in report["groups"]}
    units = [kept[f"network.{index}.lstm"] for index in range(2)]
    assert all(count == 0 or count >= 20 for count in units)
    assert report["removed"] == [f"network.{index}" for index, count in enumerate(units) if not count] != []
    sources, _ = Ladder.load(maker.write())[1].build()(torch.zeros(1, 1280))
    assert sources.shape == (1, 2, 1280)


def test_the_levels_of_another_ladder_are_trained_further(ladder_config: Path, tmp_path: Path) -> None:
    rewrite(ladder_config, "[[level]]\n[[level]]\nmacs = 0.7\n")
    maker = maker_of(ladder_config)
    maker.make([1], MINUTES)
    earlier = maker.write().rename(tmp_path / "earlier")
    text = ladder_config.read_text().replace("memory = 8}", "memory = 8, consistency = 4}")
    ladder_config.write_text(text.replace(str(tmp_path / "runs"), str(tmp_path / "further")))
    maker = maker_of(ladder_config, str(earlier))
    assert maker.make([0, 1], MINUTES).complete
    for old, new in zip(Ladder.load(earlier).levels, Ladder.load(maker.write()).levels, strict=True):
        assert new.settings == {**old.settings, "consistency": 4}
        assert new.build().bottleneck.weight.shape == old.build().bottleneck.weight.shape


def test_the_dense_level_teaches_while_it_learns(ladder_config: Path) -> None:
    rewrite(ladder_config, LEVELS, "joint = true")
    reports = maker_of(ladder_config).make(range(3), MINUTES).levels
    assert [report["level"] for report in reports] == [0, 1, 2] and len({report["steps"] for report in reports}) == 1


def test_a_ladder_of_another_number_of_levels_is_refused(ladder_config: Path, tmp_path: Path) -> None:
    rewrite(ladder_config, "[[level]]\n[[level]]\nmacs = 0.7\ntime_share = 0\n")
    earlier = maker_of(ladder_config).write()  # the dense level alone
    with pytest.raises(UserError, match=r"has 1 levels, the configuration 2 \[\[level\]\] tables: give as many"):
        maker_of(ladder_config, str(earlier))


def stop_at_the_first_checkpoint(folder: Path) -> None:
    """End the running process as a terminal does, once its run can be resumed."""
    while not (folder / "last.pt").is_file():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)


def interrupt(maker: LadderMaker, levels: Sequence[int], minutes: float, folder: Path) -> Made:
    thread = threading.Thread(target=stop_at_the_first_checkpoint, args=(folder,), daemon=True)
    thread.start()
    made = maker.make(levels, minutes)
    thread.join()
    return made


def test_an_interrupted_level_continues_for_the_rest_of_its_time(ladder_config: Path, tmp_path: Path) -> None:
    rewrite(ladder_config, LEVELS + "cut_from = 1\n")
    text = ladder_config.read_text()
    ladder_config.write_text(text.replace("validation_mixtures", "validate_minutes = 0\nvalidation_mixtures"))
    folder = tmp_path / "runs/level-1"
    made = interrupt(maker_of(ladder_config), [1, 2], 60.0, folder)
    assert made == Made((), False) and not (tmp_path / "runs/level-2").exists()
    start = (folder / "start.safetensors").stat().st_mtime_ns
    with open(folder / "log.csv", newline="") as file:
        spent = float(list(csv.DictReader(file))[-1]["seconds"])
    ladder_config.write_text(text)

    seconds = spent + 1
    made = maker_of(ladder_config).make([1, 2], 2 * seconds / 60)  # of which level 1 gets half
    assert made.complete and made.levels[0]["seconds"] >= seconds
    rate = optimiser_of(folder)["learning_rate"]
    assert rate == pytest.approx(1e-3 * (1 - spent / seconds), abs=1e-4)  # the log rounds to 0.1 s
    assert (folder / "start.safetensors").stat().st_mtime_ns == start


def test_a_run_that_was_killed_after_its_last_checkpoint_is_only_recorded(ladder_config: Path, tmp_path: Path) -> None:
    maker_of(ladder_config).make([1], MINUTES)
    folder = tmp_path / "runs/level-1"
    (folder / "finished.json").unlink()
    log = (folder / "log.csv").read_text()
    assert maker_of(ladder_config).make([1], MINUTES).complete
    assert (folder / "log.csv").read_text() == log and (folder / "finished.json").is_file()


def test_a_level_whose_base_is_missing_is_refused(ladder_config: Path) -> None:
    rewrite(ladder_config, NESTED)
    with pytest.raises(UserError, match="level 1 needs level 2, which is not finished: make both together"):
        maker_of(ladder_config).make([1], MINUTES)


def test_a_run_of_other_settings_is_refused(ladder_config: Path) -> None:
    maker_of(ladder_config).make([1], MINUTES)
    rewrite(ladder_config, LEVELS.replace("0.7", "0.6"))
    with pytest.raises(UserError, match="level-1 holds a level with 0.7 of the dense MACs, .* asks for 0.6"):
        maker_of(ladder_config).make([1], MINUTES)


def test_no_time_is_refused(ladder_config: Path) -> None:
    with pytest.raises(UserError, match="0 minutes of fine-tuning are not possible"):
        maker_of(ladder_config).make([1], 0)
