"""The page of a comparison: conclusion, ratios with their intervals, chunk times side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .compare import Comparison, Row, Side
from .page import document, figure, listed, number, paragraph, table
from .plots import Mark, scale_of, spans
from .statistics import PARTS
from .times import contender_name

#: what the times and the ratio of a row are, by the unit of the comparison
_ABOUT = {
    "run": "The time of a side is the geometric mean of the median chunk times of its runs. The ratio is the second "
    "side's time divided by the first side's.",
    "part of a run": f"A run is divided into {PARTS} consecutive parts of whole blocks, fewer where it has fewer "
    "blocks. The time of a side is the geometric mean of the median chunk times of these parts. The ratio is the "
    "second side's time divided by the first side's.",
}


def compare_page(comparison: Comparison, first: Side, second: Side) -> str:
    """The page as HTML text."""
    sections = [
        "<h1>Two latency reports compared</h1>",
        paragraph(comparison["conclusion"], "verdict"),
        table(
            ("", "Report", "Processor", "Power", "Runs"),
            (
                (label, side.name, side.processor, side.power, str(len(side.runs)))
                for label, side in (("first", first), ("second", second))
            ),
            "words",
        ),
        listed(comparison["notes"]),
        *_plots(comparison["rows"]),
        "<h2>All rows</h2>",
        paragraph(_ABOUT[comparison["unit"]]),
        table(
            ("Level", "Chunk, ms", "Backend", "Pace", "First, ms", "Second, ms", "Ratio", "Interval", "Result"),
            (_cells(row) for row in comparison["rows"]),
        ),
    ]
    return document("Two latency reports compared", sections, comparison)


def _plots(rows: Sequence[Row]) -> Iterator[str]:
    for paced in (True, False):
        pace = "paced" if paced else "back to back"
        for chunk_ms in dict.fromkeys(row["chunk_ms"] for row in rows):
            some = [row for row in rows if row["paced"] == paced and row["chunk_ms"] == chunk_ms]
            if not some:
                continue
            title = f"chunks of {chunk_ms:g} ms, {pace}"
            yield f"<h2>{title[0].upper() + title[1:]}</h2>"
            yield _times(some, title)
            yield from _ratios([row for row in some if row["interval"]], title)


def _times(rows: Sequence[Row], title: str) -> str:
    marks = [Mark(_label(row), row["second_ms"], 0, 0, row["first_ms"]) for row in rows]
    x = scale_of("Chunk time in ms", [row[side] for row in rows for side in ("first_ms", "second_ms")])
    sentences = (f"{_label(row)}: {number(row['first_ms'])} and {number(row['second_ms'])} ms" for row in rows)
    about = "Geometric means of median chunk times, as in the table below. Hollow: first. Full: second."
    return figure(spans(marks, x, f"Chunk times of both sides, {title}"), about, sentences)


def _ratios(rows: Sequence[Row], title: str) -> Iterator[str]:
    marks = [
        Mark(_label(row), row["ratio"], *row["interval"])
        for row in rows
        if row["interval"] and row["ratio"] is not None
    ]
    if marks:
        x = scale_of("Second / first", [1.0, *(end for mark in marks for end in (mark.low, mark.high))], 1.02)
        yield figure(
            spans(marks, x, f"Ratios of chunk times, {title}", (1.0, "equal")),
            "Marks are ratios, bars their intervals. A bar that crosses the dashed line shows no clear difference.",
            (f"{_label(row)}: {row['statement']}" for row in rows),
        )


def _label(row: Row) -> str:
    return f"{row['level']} {contender_name(row)}"


def _cells(row: Row) -> list[str]:
    low_high = row["interval"]
    return [
        str(row["level"]),
        f"{row['chunk_ms']:g}",
        contender_name(row),
        "paced" if row["paced"] else "back to back",
        number(row["first_ms"]),
        number(row["second_ms"]),
        "–" if row["ratio"] is None else f"{row['ratio']:.3f}",
        "–" if low_high is None else f"{low_high[0]:.3f} to {low_high[1]:.3f}",
        row["statement"],
    ]
