"""Puts measured figures into README.md: the table of levels, between its two markers.

    python docs/tables.py

Reads what `sepprune evaluate --json docs/training/test-CONDITION.json` and `sepprune bench --json docs/bench.json`
wrote.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
BEGIN, END = "<!-- levels: python docs/tables.py -->\n", "<!-- end of levels -->\n"
CONDITIONS = ("clean", "noisy", "room")


def main() -> None:
    scores = {name: _rows(DOCS / "training" / f"test-{name}.json", "levels") for name in (*CONDITIONS, "single")}
    times = {row["level"]: row for row in json.loads((DOCS / "bench.json").read_text())["rows"]
             if (row["backend"], row["precision"], row["chunk_ms"]) == ("openvino", "fp32", 8.0)}
    eager = {row["level"]: row["p50_ms"] for row in json.loads((DOCS / "bench.json").read_text())["rows"]
             if (row["backend"], row["chunk_ms"]) == ("torch", 8.0)}
    heads = ["level", "parameters", "MACs/s", *(f"SI-SDRi {name}" for name in CONDITIONS), "share of dense",
             "one voice: SI-SDR / leak", "p50", "p99", "eager torch p50", "floor"]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for level, row in sorted(scores["clean"].items()):
        improvements = [scores[name][level]["si_sdri"] for name in CONDITIONS]
        single, time = scores["single"][level], times[level]
        lines.append(_line([
            str(level), f"{row['params'] / 1e6:.2f} M", f"{row['macs_per_second'] / 1e6:.0f} M",
            *(f"{value:.2f} dB" for value in improvements),
            f"{row['si_sdri'] / scores['clean'][0]['si_sdri']:.0%}",
            f"{single['active_si_sdr']:.1f} / {single['leak_db']:.1f} dB",
            f"{time['p50_ms']:.2f} ms", f"{time['p99_ms']:.2f} ms", f"{eager[level]:.2f} ms",
            f"{time['floor_ms']:.2f} ms"]))
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    README.write_text(before + BEGIN + "\n".join(lines) + "\n" + END + rest.split(END)[1], encoding="utf-8")


def _rows(path: Path, key: str) -> dict[int, dict[str, Any]]:
    return {row["level"]: row for row in json.loads(path.read_text(encoding="utf-8"))[key]}


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
