"""Reads latency reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..checked import MALFORMED, shown
from ..errors import UserError
from .latency import FORMAT, VERSION


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
        UserError: it cannot be read, or is no latency report of this version.
    """
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {file} ({error.strerror}): give a report.json") from error
    except MALFORMED as error:
        raise UserError(f"{file} is no JSON: give the report.json of `sepprune bench --report`") from error
    if not isinstance(report, dict) or report.get("format") != FORMAT:
        raise UserError(f"{file} is no latency report: give the report.json of `sepprune bench --report`")
    if report.get("version") != VERSION:
        raise UserError(
            f"{file} has version {shown(report.get('version'))}, and this program reads {VERSION}: measure again"
        )
    return report


def damaged(file: Path, error: Exception) -> UserError:
    """What to say about a report whose content is not as it should be."""
    return UserError(f"{file} is damaged ({shown(error)}): copy it again, or measure again")
