"""Tables of the differences between levels."""

from __future__ import annotations

from typing import Any

from ..common import EXPERIMENTS, read_json, table


def lone_voices() -> list[str]:
    """How many voices that speak alone are heard on the other output as well, by level or run."""
    report: dict[str, list[dict[str, Any]]] = read_json(EXPERIMENTS / "level_differences" / "lone_voices.json")
    lines = []
    for row in report["levels"]:
        counts = [str(row[key]) for key in ("above_20_db", "above_10_db", "starts", "later")]
        lines.append([_name(row["level"]), f"{row['median_db']:.1f} dB", f"{row['worst_db']:.1f} dB", *counts])
    heads = ["median leak", "worst leak", "leak above -20 dB", "above -10 dB", "in the first 1.5 s", "after them"]
    return table([f"{report['levels'][0]['voices']} voices", *heads], lines)


def orders() -> list[str]:
    """In how many mixtures a switch from level 0 to another level exchanges the voices."""
    report: dict[str, Any] = read_json(EXPERIMENTS / "level_differences" / "orders.json")
    rows: list[dict[str, Any]] = report["levels"]
    return table(
        [f"from {_name(report['first'])} to", *(_name(row["level"]) for row in rows)],
        [
            [f"{rows[0][kind]} {what}", *(str(row[f"{kind}_exchanged"]) for row in rows)]
            for kind, what in (("pairs", "pairs of voices"), ("voices", "voices alone"))
        ],
    )


def settled() -> list[str]:
    """Differences of runs with ``settle_seconds`` to the bundled level 0."""
    report: dict[str, list[dict[str, Any]]] = read_json(EXPERIMENTS / "level_differences" / "settled.json")
    return table(
        ["run", "pairs of voices", "with turns"],
        [
            [
                _name(row["level"]),
                f"{row['difference']:+.2f} ± {row['interval']:.2f} dB",
                f"{row['turns_difference']:+.2f} ± {row['turns_interval']:.2f} dB",
            ]
            for row in report["levels"][1:]
        ],
    )


def _name(level: str) -> str:
    """A bundled level, or the run of another one, from ``FOLDER:NUMBER``."""
    folder, _, number = level.rpartition(":")
    return f"level {number}" if folder == "assets/ladder" else f"`{folder.removeprefix('runs/')}`"


TABLES = {"lone-voices": lone_voices, "orders": orders, "settled": settled}
