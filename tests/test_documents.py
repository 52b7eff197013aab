"""Python code that stands in the documents runs as written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "docs/python.md", "docs/ladder-format.md")


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
