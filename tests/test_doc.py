"""What the documentation says holds: examples run, links lead somewhere, tables show the stored results."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

from experiments.common import MARKED
from experiments.tables import TABLES

ROOT = Path(__file__).resolve().parents[1]
WITH_EXAMPLES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("sepprune", "app")
    for path in sorted((ROOT / package).rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]
DOCS = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "experiments" / "README.md"]
WITH_TABLES = [page for page in (ROOT / "README.md", *DOCS) if MARKED.search(page.read_text(encoding="utf-8"))]
SCRIPTS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted((ROOT / "experiments").rglob("*.py"))
]
each_page = pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))


def headings(page: Path) -> list[tuple[int, str]]:
    """Depth and text of the headings of a page, with those of included pages and without fenced code."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(
        r"^```{include} (\S+)\n```", lambda found: (page.parent / found[1]).read_text("utf-8"), text, flags=re.M
    )
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", text, re.MULTILINE)]


def anchors(page: Path) -> set[str]:
    """Anchors that GitHub and Sphinx give the headings of a page."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in headings(page)}


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_docstring_examples_give_what_they_show(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name.removesuffix(".__init__"))).failed == 0


@each_page
def test_links_of_a_page_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = []
    for target, anchor in re.findall(
        r"\]\((?!https?:|mailto:)([^)#\s]*)#?([^)\s]*)\)", page.read_text(encoding="utf-8")
    ):
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(f"{target}#{anchor}")
    assert broken == []


@each_page
def test_files_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:app|assets|configs|docs|examples|experiments|sepprune|tests)/[\w./-]+)`", page.read_text("utf-8")
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@each_page
def test_every_link_of_a_page_has_text(page: Path) -> None:
    assert re.findall(r"\[\]\([^)]*\)", page.read_text(encoding="utf-8")) == []  # invisible in plain Markdown


@each_page
def test_a_page_has_one_title_and_skips_no_heading_level(page: Path) -> None:
    depths = [depth for depth, _ in headings(page)]
    assert depths.count(1) == 1 and depths[0] == 1
    assert all(next_depth <= depth + 1 for depth, next_depth in zip(depths, depths[1:], strict=False))


@pytest.mark.parametrize("page", WITH_TABLES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_tables_of_a_page_show_the_stored_results(page: Path) -> None:
    for match in MARKED.finditer(page.read_text(encoding="utf-8")):
        lines = match[0].splitlines()[1:-1]
        assert lines == TABLES[match["name"]](), f"run python -m experiments.tables: {match['name']}"


def test_every_generated_table_has_an_end_marker() -> None:
    for page in (ROOT / "README.md", *DOCS):
        text = page.read_text(encoding="utf-8")
        assert len(re.findall(r"<!-- [\w-]+: python ", text)) == len(MARKED.findall(text)), page.name


def test_the_index_of_experiments_lists_every_folder() -> None:
    folders = {path.name for path in (ROOT / "experiments").iterdir() if path.is_dir() and path.name != "__pycache__"}
    index = (ROOT / "experiments" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", index, re.MULTILINE)) == folders


def test_the_page_of_commands_lists_every_environment_variable_of_the_program() -> None:
    files = [path for package in ("sepprune", "app") for path in sorted((ROOT / package).rglob("*.py"))]
    read = {name for path in files for name in re.findall(r"\bSEPPRUNE_[A-Z_]+", path.read_text(encoding="utf-8"))}
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(SEPPRUNE_\w+)` \|", page, re.MULTILINE)) == read


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_experiment_uses_only_names_that_the_product_has(name: str) -> None:
    importlib.import_module(name)
