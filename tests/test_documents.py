"""Code in the documents runs as written, and the pages of commands and settings are complete."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from sepprune.data.datasets import DatasetSettings
from sepprune.ladders.settings import LadderSettings, LevelSpec, load_ladder_settings
from sepprune.training.settings import (
    MixtureSettings,
    ModelSettings,
    OptimiserSettings,
    TrainingSettings,
    load_settings,
)

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/python.md", "docs/ladder-format.md", "docs/torch-pruning.md")


def python_blocks() -> list[tuple[str, str]]:
    """Name and content of every block that is marked as Python."""
    found = []
    for page in PAGES:
        blocks = re.findall(
            r"^```python\n(.*?)^```$", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
        found += [(f"{page} block {number}", block) for number, block in enumerate(blocks, start=1)]
    return found


BLOCKS = python_blocks()


@pytest.mark.parametrize("block", [block for _, block in BLOCKS], ids=[name for name, _ in BLOCKS])
def test_a_python_block_runs_as_written(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "assets").symlink_to(ROOT / "assets")  # documents name files as seen from the root of the repository
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "document", "exec"), {"__name__": "__main__"})


def test_every_page_with_code_has_a_block_that_is_run() -> None:
    assert {name.split(" ")[0] for name, _ in BLOCKS} == set(PAGES)


def test_every_command_has_a_section_with_its_options() -> None:
    from sepprune.cli import COMMANDS

    page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"{command-options} sepprune ([a-z]+)", page))
    assert sections == set(COMMANDS)


#: heading on docs/data.md -> the settings in the table below it
SETTINGS: dict[str, type[Any]] = {
    "## Settings of a training run": TrainingSettings,
    "### `[dataset]`": DatasetSettings,
    "### `[model]`": ModelSettings,
    "### `[mixtures]`": MixtureSettings,
    "### `[optimiser]`": OptimiserSettings,
    "## Settings of a ladder": LadderSettings,
    "### `[[level]]`": LevelSpec,
}


def data_page() -> str:
    return (ROOT / "docs/data.md").read_text(encoding="utf-8")


def toml_example(title: str) -> str:
    """The TOML block on docs/data.md whose first line names the file ``title``."""
    [found] = re.findall(rf"^```toml\n(# {title}\n.*?)^```$", data_page(), re.DOTALL | re.MULTILINE)
    return str(found)


def default_of(field: dataclasses.Field[Any]) -> str:
    """The default of a setting as the page shows it."""
    if field.default_factory is not dataclasses.MISSING:
        return "`{}`"
    value = field.default
    if value is dataclasses.MISSING:
        return "required"
    if value is None:
        return "none"
    return "table" if dataclasses.is_dataclass(value) else f"`{json.dumps(value)}`"


@pytest.mark.parametrize("heading", SETTINGS)
def test_every_setting_of_training_and_ladders_has_a_row_with_its_default(heading: str) -> None:
    text = re.sub(r"^```.*?^```", "", data_page(), flags=re.DOTALL | re.MULTILINE)  # comments look like headings
    section = re.split(r"^#+ ", text.split(f"\n{heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE)
    names = {"levels": "level"}  # a list of [[level]] tables in the file
    assert rows == [(names.get(one.name, one.name), default_of(one)) for one in dataclasses.fields(SETTINGS[heading])]


def test_the_example_of_a_training_run_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "train.toml").write_text(toml_example("train.toml"), encoding="utf-8")
    assert load_settings(str(tmp_path / "train.toml")).mixtures.noise == 0.25


def test_the_example_of_a_ladder_is_accepted_and_has_the_separator_of_the_training_example(tmp_path: Path) -> None:
    for name in ("train.toml", "ladder.toml"):
        (tmp_path / name).write_text(toml_example(name), encoding="utf-8")
    ladder = load_ladder_settings(str(tmp_path / "ladder.toml"))
    run = load_settings(str(tmp_path / "train.toml"))
    assert ladder.training.model == dataclasses.replace(run.model, weights=f"{run.out}/best.safetensors")
