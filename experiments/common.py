"""Running of scripts, reading of results and writing of Markdown tables, for all experiments."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sepprune.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

EXPERIMENTS = Path(__file__).parent
ROOT = EXPERIMENTS.parent
PICTURES = ROOT / "docs" / "pictures"
#: test conditions with two voices, in the order in which tables show them
CONDITIONS = ("clean", "noisy", "room")
#: a generated table with its markers
MARKED = re.compile(
    r"(?P<begin><!-- (?P<name>[\w-]+): python -m experiments\.tables -->\n).*?(?P<end><!-- end of (?P=name) -->\n)",
    re.DOTALL,
)


def run_script(main: Callable[[], None]) -> None:
    """Run a script. A mistake of its user ends it with one sentence and status 2, as it ends a command."""
    try:
        main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def read_json(path: Path) -> Any:  # the caller annotates what the file holds
    """Content of a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(path: Path, content: object) -> None:
    """Write a JSON file, indented, with a newline at its end."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def mean_difference(differences: Tensor) -> tuple[float, float]:
    """Mean of the differences of single mixtures in dB, and half of its 95 % interval, rounded."""
    half = 1.96 * float(differences.std()) / math.sqrt(len(differences))
    return round(float(differences.mean()), 3), round(half, 3)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    return [_line(heads), _line(["---"] * len(heads)), *map(_line, rows)]


def fill(page: Path, tables: Mapping[str, Callable[[], list[str]]]) -> list[str]:
    """Rewrite every generated table of a page, and return the names of those tables.

    A table stands between ``<!-- NAME: python -m experiments.tables -->`` and ``<!-- end of NAME -->``, each on its own
    line.

    Args:
        page: Markdown file, rewritten in place.
        tables: name -> function that makes the lines.

    Raises:
        ValueError: the page asks for a table that does not exist.
    """
    names: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in tables:
            raise ValueError(f"{page} has a marker for the table {name!r}: expected one of {', '.join(tables)}")
        names.append(name)
        return match["begin"] + "".join(f"{line}\n" for line in tables[name]()) + match["end"]

    page.write_text(MARKED.sub(replaced, page.read_text(encoding="utf-8")), encoding="utf-8")
    return names


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
