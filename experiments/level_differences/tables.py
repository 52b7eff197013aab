"""Tables of the differences between levels."""

from __future__ import annotations

from typing import Any

from ..common import EXPERIMENTS, read_json, table


def lone_voices() -> list[str]:
    """How many voices that speak alone are heard on the other output as well, by level or run."""
    report: dict[str, list[dict[str, Any]]] = read_json(EXPERIMENTS / "level_differences" / "lone_voices.json")
    lines = []
    for row in report["levels"]:
        folder, _, level = row["level"].rpartition(":")
        name = f"level {level}" if folder == "assets/ladder" else f"`{folder.removeprefix('runs/')}`"
        counts = [str(row[key]) for key in ("above_20_db", "above_10_db", "starts", "later")]
        lines.append([name, f"{row['median_db']:.1f} dB", f"{row['worst_db']:.1f} dB", *counts])
    heads = ["leak", "worst leak", "above -20 dB", "above -10 dB", "above -10 dB in the first 1.5 s", "after it"]
    return table([f"{report['levels'][0]['voices']} voices", *heads], lines)


TABLES = {"lone-voices": lone_voices}
