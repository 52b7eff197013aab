"""The page of a latency report: verdict first, then warnings, plots with their text, tables and the protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..printing import counted
from .facts import Fact, fact_text
from .latency import LatencyReport, without_raw
from .page import document, figure, listed, number, paragraph, table
from .plots import Mark, course, histogram, scale_of, spans
from .rows import Row, blocks_of
from .times import contender_name
from .verdict import best_rows, row_name

_BARS = 80
_HEADER = (
    "Level", "Chunk, ms", "Backend", "Pace", "Chunks", "p50", "p95", "p99", "p99, 95 % interval", "p99.9", "Max",
    "Wait p50", "Misses", "Miss rate below", "RTF", "Drift",
)  # fmt: skip


def report_page(report: LatencyReport) -> str:
    """The page as HTML text."""
    processor = fact_text(report["machine"]["processor"])
    mode = "quick run" if report["quick"] else "run"
    minutes = report["seconds"] / 60
    when = report["made"].replace("T", " ").replace("+00:00", " UTC")
    beside = f" beside {report['busy_processes']} busy processes" if report["busy_processes"] else ""
    facts = f"{processor}. Ladder {report['ladder']}, {mode} of {minutes:.1f} minutes{beside}, {when}."
    sections = [
        "<h1>Latency report</h1>",
        paragraph(facts, "quiet"),
        *([paragraph(report["note"])] if report["note"] else []),
        paragraph(report["verdict"], "verdict"),
        *_warnings(report["warnings"]),
        *_plots(report["rows"]),
        "<h2>What this run cannot say</h2>",
        listed(report["cannot_say"]),
        "<h2>All rows</h2>",
        paragraph("Times in milliseconds. A dash means: too few chunks for this number."),
        table(_HEADER, (_cells(row) for row in report["rows"])),
        "<h2>Machine</h2>",
        _machine(report["machine"], report["machine_after"]),
        "<h2>How this was measured</h2>",
        *(paragraph(text) for text in _protocol(report)),
    ]
    return document(f"Latency report: {processor}", sections, without_raw(report))


def _warnings(texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield f'<div class="warnings"><strong>Warnings</strong>{listed(texts)}</div>'


def _plots(rows: Sequence[Row]) -> Iterator[str]:
    best = best_rows(rows)
    if not best:
        return
    yield "<h2>Chunk times at live rate</h2>"
    yield paragraph("Each level runs on the backend with the lowest paced median; the table below names it.")
    for chunk_ms in dict.fromkeys(row["chunk_ms"] for row in best):
        yield _levels([row for row in best if row["chunk_ms"] == chunk_ms], rows)
    shown = min(best, key=lambda row: (row["level"], abs(row["chunk_ms"] - 8)))
    yield "<h2>Distribution</h2>"
    yield _distribution(shown)
    yield "<h2>During the run</h2>"
    yield _course(shown)
    for row in rows:
        if row["soak"]:
            yield "<h2>Soak</h2>"
            yield _course(row)


def _levels(best: Sequence[Row], rows: Sequence[Row]) -> str:
    chunk_ms, marks, sentences = best[0]["chunk_ms"], [], []
    for row in best:
        other = _back_to_back(row, rows)
        high = row["p99_interval_ms"][1] if row["p99_interval_ms"] else row["max_ms"]
        end = "p99 below" if row["p99_interval_ms"] else "maximum"
        marks.append(Mark(f"level {row['level']}", row["p50_ms"], row["p50_ms"], high, other))
        beside = "" if other is None else f" (back to back {number(other)})"
        sentences.append(
            f"Level {row['level']}: {number(row['p50_ms'])} ms{beside}, {end} {number(high)} ms, "
            f"{counted(row['misses'], 'miss', 'misses')} in {row['chunks']:,}"
        )
    values = [value for mark in marks for value in (mark.value, mark.high, mark.other or mark.value)]
    x = scale_of(f"Chunk time for chunks of {chunk_ms:g} ms, in ms", [*values, chunk_ms])
    name = f"Chunk times of {counted(len(marks), 'level')} for chunks of {chunk_ms:g} ms"
    about = (
        "Full marks: paced median. Hollow marks: back to back. Bars end at the upper end of the interval of p99, or "
        "at the maximum where p99 is not stated. Dashed: the deadline."
    )
    return figure(spans(marks, x, name, (chunk_ms, "deadline")), about, sentences)


def _distribution(row: Row) -> str:
    times = np.concatenate(blocks_of(row))
    x = scale_of("Chunk time in ms", [float(times.min()), float(times.max())], 1.1)
    counts, _ = np.histogram(np.log(np.maximum(times, x.low)), _BARS, (float(np.log(x.low)), float(np.log(x.high))))
    sentences = [
        f"Half of the chunks took at most {number(row['p50_ms'])} ms, the longest {number(row['max_ms'])} ms.",
        "The times have two modes." if row["bimodal"] else "The times have one mode.",
    ]
    if row["p99_ms"] is not None:
        sentences.insert(1, f"1 in 100 took longer than {number(row['p99_ms'])} ms.")
    name = f"Distribution of chunk times, {row_name(row)}"
    line = (row["p99_ms"], "p99") if row["p99_ms"] is not None else None
    about = f"Number of chunks by chunk time: {row_name(row)}. The scale is logarithmic."
    return figure(histogram([int(count) for count in counts], x, name, line), about, sentences)


def _course(row: Row) -> str:
    medians = [float(np.median(block)) for block in blocks_of(row)]
    starts = row["raw"]["starts_s"]
    points = [(start - starts[0], median) for start, median in zip(starts, medians, strict=True)]
    name = f"Median chunk time of each block, {row_name(row)}"
    return figure(
        course(points, "Seconds since the first block", "Median chunk time of a block in ms", name),
        f"Median of each block of chunks: {row_name(row)}.",
        [_drift_sentence(row), f"Block medians lie between {number(min(medians))} and {number(max(medians))} ms."],
    )


def _drift_sentence(row: Row) -> str:
    if row["drift"] is None or row["drift_interval"] is None:
        return "Too few blocks to tell a drift."
    low, high = row["drift_interval"]
    return f"Change from begin to end: {row['drift'] - 1:+.1%} ({low - 1:+.1%} to {high - 1:+.1%})."


def _back_to_back(row: Row, rows: Sequence[Row]) -> float | None:
    keys = ("level", "backend", "precision", "threads", "chunk_ms")
    same = [one for one in rows if not one["paced"] and all(one[key] == row[key] for key in keys)]  # type: ignore[literal-required]  # keys of Row
    return same[0]["p50_ms"] if same else None


def _cells(row: Row) -> list[str]:
    interval = row["p99_interval_ms"]
    return [
        str(row["level"]),
        f"{row['chunk_ms']:g}",
        contender_name(row),
        "soak" if row["soak"] else "paced" if row["paced"] else "back to back",
        f"{row['chunks']:,}",
        *(number(value) for value in (row["p50_ms"], row["p95_ms"], row["p99_ms"])),
        f"{number(interval[0])} to {number(interval[1])}" if interval else "–",
        number(row["p999_ms"]),
        number(row["max_ms"]),
        number(row["wait_p50_ms"]) if row["paced"] else "–",
        str(row["misses"]),
        f"{row['miss_rate_upper']:.2%}",
        f"{row['rtf']:.3f}",
        "–" if row["drift"] is None else f"{row['drift'] - 1:+.1%}",
    ]


def _machine(before: Mapping[str, Fact], after: Mapping[str, Fact]) -> str:
    lines = []
    for name, fact in before.items():
        later = fact_text(after[name])
        lines.append((name.replace("_", " "), fact_text(fact), "same" if later == fact_text(fact) else later))
    return table(("Fact", "Before", "After"), lines, "words")


def _protocol(report: LatencyReport) -> Iterator[str]:
    yield (
        "Paced rows get a chunk whenever a microphone would deliver one, and the program sleeps in between, so that "
        "caches and the processor's frequency are those of live use. Back-to-back rows run without a pause. The "
        "command runs at normal priority; the live app asks the system for real-time priority."
    )
    if report["busy_processes"]:
        processes = counted(report["busy_processes"], "process", "processes")
        yield (
            f"{processes} of normal priority computed beside the run without a pause; each works on 8 MiB, which takes "
            "processor time and caches."
        )
    yield (
        "Rows of one chunk duration take turns in blocks of 64 chunks. The order of every round is random (seed "
        f"{report['seed']}). The first block of each level and the first 8 chunks of each block are not counted."
    )
    yield (
        "A chunk is a miss if its sources were complete only after the next chunk was: waiting for the processor "
        "counts. Where none was missed, the upper 95 % bound of the rate is 3 divided by the number of chunks; "
        "otherwise it is Clopper and Pearson's. Intervals of p99 come from order statistics."
    )
    yield "The times of single chunks are in report.json beside this page; the rest of its content is in this page."
