"""Reads latency reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..checked import LARGEST_JSON, MALFORMED, Table, read_limited, shown
from ..errors import UserError
from .latency import FORMAT, VERSION

#: what a user can do about a report that is not as it should be
ADVICE = "copy it again, or measure again"


def report_files(path: Path) -> list[Path]:
    """The file, or every ``report.json`` below a folder, in order.

    Raises:
        UserError: a folder has none.
    """
    files = sorted(path.rglob("report.json")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path} has no report.json: give a folder that `sepprune bench --report` wrote, or its file")
    return files


def read_report(file: Path) -> dict[str, Any]:
    """The content of a ``report.json``; its rows are not checked.

    Raises:
        UserError: it cannot be read, is larger than :data:`~sepprune.checked.LARGEST_JSON`, or is no latency report of
            this version.
    """
    content = read_limited(file, LARGEST_JSON, "give a report.json")
    try:
        report = json.loads(content.decode("utf-8"))
    except MALFORMED as error:
        raise UserError(f"{file} is no JSON: give the report.json of `sepprune bench --report`") from error
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise UserError(f"{file} is no latency report: give the report.json of `sepprune bench --report`")
    if report.get("version") != VERSION:
        raise UserError(
            f"{file} has version {shown(report.get('version'))}, and this program reads {VERSION}: measure again"
        )
    return report


def row_table(row: Mapping[str, Any], file: Path) -> Table:
    """A row whose names are checked: what was timed, and how.

    Raises:
        UserError: one of them is not what it should be.
    """
    table = Table(row, f"a row of {file}", ADVICE)
    table.integer("level", 0, 1000), table.integer("threads", 1, 10_000), table.number("chunk_ms", 0, 60_000)
    table.text("backend"), table.text("precision"), table.flag("paced"), table.flag("soak")
    return table


def damaged(file: Path, error: Exception) -> UserError:
    """What to say about a report whose content is not as it should be."""
    return UserError(f"{file} is damaged ({shown(error)}): {ADVICE}")
