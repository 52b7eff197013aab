"""Import rules and code layout: which part may import which, no circles, nothing heavy on the live path, consoles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("sepprune", "app")

#: Parts that know nothing of the program: every other part may import them, and each of them only the others.
FOUNDATION = (
    "sepprune.errors sepprune.extras sepprune.files sepprune.folders sepprune.checked sepprune.resources "
    "sepprune.rounding sepprune.arguments sepprune.printing sepprune.media sepprune.containers sepprune.downmix "
    "sepprune.full_scale sepprune.signals"
)

#: Part of the product -> the other parts that it may import besides the foundation, also inside a function. A part is a
#: folder or a file directly below a package; `sepprune` and `app` themselves are the files `__init__.py` and
#: `__main__.py` there. A star stands for the whole core. The table follows the arrows of CONTRIBUTING.md, bottom up.
MAY_IMPORT: dict[str, str] = {
    **dict.fromkeys(FOUNDATION.split(), ""),
    "sepprune.licences": "",
    "sepprune.perception": "",
    "sepprune.intervals": "",
    "sepprune.losses": "",
    "sepprune.separators": "",
    # pruning and training do not import each other
    "sepprune.pruning": "sepprune.losses sepprune.separators",
    "sepprune.data": "",
    "sepprune.training": "sepprune.losses sepprune.separators sepprune.data",
    # a level is built from its pruning plan
    "sepprune.streaming": "sepprune.separators sepprune.pruning",
    # a folder is a level of a ladder
    "sepprune.models": "sepprune.separators sepprune.streaming sepprune.pruning",
    "sepprune.importing": "sepprune.separators",
    # stimuli are rendered by streaming
    "sepprune.study": "sepprune.streaming",
    "sepprune.bench": "sepprune.separators sepprune.streaming",
    "sepprune.evaluation": "sepprune.losses sepprune.data sepprune.streaming sepprune.perception sepprune.intervals",
    "sepprune.ladders": "sepprune.losses sepprune.models sepprune.separators sepprune.pruning sepprune.data "
    "sepprune.training sepprune.streaming",
    "sepprune.comparison": "sepprune.losses sepprune.models sepprune.separators sepprune.pruning sepprune.data "
    "sepprune.training sepprune.ladders",
    "sepprune.commands": "*",
    "sepprune.cli": "sepprune sepprune.commands",
    "sepprune": "sepprune.cli sepprune.pruning sepprune.separators sepprune.streaming",
    "app.engine": "sepprune sepprune.streaming sepprune.bench",
    # the pages of listening tests
    "app.ui": "sepprune sepprune.study sepprune.bench app.engine",
    "app.options": "sepprune app.engine",
    "app.cli": "sepprune app.options app.engine app.ui",
    "app": "app.cli",
}

#: part -> third-party packages that it never imports, not even inside a function
WITHOUT: dict[str, str] = {
    "sepprune": "PyQt6 pyqtgraph sounddevice",
    "sepprune.pruning": "soundfile soxr",
    "sepprune.study": "PyQt6 pyqtgraph sounddevice torch",
    "app.engine": "PyQt6 pyqtgraph torch",
    "app.ui": "torch openvino onnxruntime sounddevice",
}

#: packages that the live path does not import unless the backend is torch
HEAVY = frozenset({"torch", "nncf", "matplotlib", "scipy", "torchmetrics"})


@dataclass(frozen=True)
class Import:
    """One import statement's target, as seen from the module that contains it.

    Attributes:
        target: a module of the product, or the top-level name of a third-party package.
        lazy: inside a function, so that it runs only when the function does.
        typing: under ``if TYPE_CHECKING:``, so that it never runs.
    """

    target: str
    lazy: bool
    typing: bool


def modules() -> dict[str, Path]:
    """Dotted name -> file; a package's name stands for its ``__init__.py``."""
    found = {}
    for package in PRODUCT:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(module: str) -> set[Import]:
    """All imports of a module; third-party packages by their top-level name."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return set(_found(ast.parse(path.read_text(encoding="utf-8")), module, package, lazy=False, typing=False))


def _found(node: ast.AST, module: str, package: str, lazy: bool, typing: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            for name in _names(child, package):
                yield from (Import(target, lazy, typing) for target in _targets(name, module))
        inside = lazy or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for statement in child.body:
                yield from _found(ast.Module([statement], []), module, package, inside, True)
            for statement in child.orelse:
                yield from _found(ast.Module([statement], []), module, package, inside, typing)
        else:
            yield from _found(child, module, package, inside, typing)


def _names(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """Full names of modules that a statement imports: ``from a import b`` is ``a.b`` where that is a module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    parts = package.split(".")
    base = (
        ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])]) if node.level else node.module
    )
    for alias in node.names:
        yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in MODULES else str(base)


def _targets(name: str, importer: str) -> Iterator[str]:
    """The imported module, and its parent packages that do not contain the importer: Python runs those first."""
    if name.split(".")[0] not in PRODUCT:
        yield name.split(".")[0]
        return
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        target = ".".join(parts[:length])
        if target != importer and (length == len(parts) or not f"{importer}.".startswith(f"{target}.")):
            yield target


def part_of(module: str) -> str:
    parts = module.split(".")
    return parts[0] if len(parts) == 1 or parts[1] == "__main__" else ".".join(parts[:2])


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of nodes that can reach each other (Tarjan, "Depth-first search and linear graph algorithms", 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for neighbour in graph[node]:
            if neighbour not in index:
                visit(neighbour)
                low[node] = min(low[node], low[neighbour])
            elif neighbour in stack:
                low[node] = min(low[node], index[neighbour])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in index:
            visit(node)
    return found


IMPORTS = {module: imports_of(module) for module in MODULES}


def test_every_part_of_the_product_is_in_the_table_of_imports() -> None:
    assert {part_of(module) for module in MODULES} <= set(MAY_IMPORT)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_a_part_imports_only_the_parts_that_the_table_allows(part: str) -> None:
    allowed = {part, *MAY_IMPORT[part].split(), *FOUNDATION.split()}
    if "*" in allowed:
        allowed |= {part_of(module) for module in MODULES if module.startswith("sepprune")}
    assert [
        f"{module} imports {found.target}"
        for module in MODULES
        if part_of(module) == part
        for found in sorted(IMPORTS[module], key=lambda found: found.target)
        if found.target in MODULES and part_of(found.target) not in allowed
    ] == []


@pytest.mark.parametrize("part", WITHOUT)
def test_a_part_imports_no_third_party_package_that_it_must_not(part: str) -> None:
    assert [
        f"{module} imports {found.target}"
        for module in MODULES
        if f"{module}.".startswith(f"{part}.")
        for found in IMPORTS[module]
        if found.target in WITHOUT[part].split()
    ] == []


def test_the_product_imports_no_experiment_example_or_test() -> None:
    outside = {"experiments", "examples", "tests", "docs"}
    assert [module for module in MODULES if outside & {found.target for found in IMPORTS[module]}] == []


def test_only_plain_consoles_are_made_so_that_no_name_is_taken_for_markup() -> None:
    makers = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Console"
    }
    assert makers == {"sepprune.printing"}


def test_no_imports_run_in_a_circle_lazy_ones_included() -> None:
    graph = {
        module: sorted({found.target for found in IMPORTS[module] if not found.typing and found.target in MODULES})
        for module in MODULES
    }
    assert circles(graph) == []


@pytest.mark.parametrize("entry", ["sepprune", "sepprune.cli", "sepprune.streaming", "app.cli", "app.engine", "app.ui"])
def test_importing_the_live_path_loads_no_heavy_package(entry: str) -> None:
    seen, todo = (
        set(),
        [module for module in MODULES if f"{module}.".startswith(f"{entry}.") and entry.startswith("app.")],
    )
    todo.append(entry)
    while todo:
        module = todo.pop()
        if module in seen or module not in MODULES:
            continue
        seen.add(module)
        todo += [found.target for found in IMPORTS[module] if not found.lazy and not found.typing]
    heavy = {
        f"{module} imports {found.target}"
        for module in seen
        for found in IMPORTS[module]
        if not found.lazy and not found.typing and found.target in HEAVY
    }
    assert heavy == set()


def test_the_formatter_changes_nothing() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "--quiet", "--no-cache", str(ROOT)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert found.stdout + found.stderr == ""


def test_the_circle_finder_sees_long_circles_and_passes_trees() -> None:
    assert circles({"a": "b", "b": "c", "c": "a", "d": "a"}) == [["a", "b", "c"]]
    assert circles({"a": "bc", "b": "d", "c": "d", "d": ""}) == []


def test_the_import_finder_tells_lazy_and_typing_imports_from_those_that_run() -> None:
    source = "import numpy\nif TYPE_CHECKING:\n    import torch\ndef f():\n    from .errors import UserError\n"
    found = set(_found(ast.parse(source), "sepprune.cli", "sepprune", lazy=False, typing=False))
    assert found == {
        Import("numpy", lazy=False, typing=False),
        Import("torch", lazy=False, typing=True),
        Import("sepprune.errors", lazy=True, typing=False),
    }
