"""Writes every generated table of README.md and docs/ between its two markers.

    python -m experiments.tables

Sources: ``ladder_scores/test-CONDITION.json`` from ``sepprune evaluate --json``, ``ladder_scores/bench.json`` from
``sepprune bench --json``, ``comparison/comparison.json`` from ``sepprune compare``, and the results of the experiments
``families``, ``input_level``, ``conditions`` (LibriSpeech), ``claims``, ``reliability`` and ``level_differences``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import fmean
from typing import TypedDict

from .claims.tables import TABLES as CLAIMS
from .common import CONDITIONS, EXPERIMENTS, ROOT, fill, read_json, run_script, table
from .level_differences.tables import TABLES as LEVEL_DIFFERENCES
from .reliability.tables import TABLES as RELIABILITY

SCORES = EXPERIMENTS / "ladder_scores"
#: test conditions with two voices that are scored at every level
LIVE_CONDITIONS = (*CONDITIONS, "far", "quiet", "telephone")
#: SI-SDRi in dB that the dense level was meant to reach, by condition
TARGETS = {"clean": 8.5, "noisy": 6.5, "room": 4.5}
#: level -> share of the dense level's SI-SDRi that it was meant to keep
SHARES = {2: 0.97, 4: 0.9, 6: 0.75}


class LevelScores(TypedDict):
    """One level in the result of ``sepprune evaluate``; the fields that tables use."""

    level: int
    params: int
    macs_per_second: float
    si_sdri: float
    active_si_sdr: float
    leak_db: float
    worst_leak_db: float
    swaps: int


class BenchRow(TypedDict):
    """One row in the result of ``sepprune bench``; the fields that tables use."""

    level: int
    backend: str
    precision: str
    chunk_ms: float
    p50_ms: float
    p99_ms: float
    floor_ms: float


class HalfRow(TypedDict):
    """One separator at half of its multiply-adds, from the experiment ``families``."""

    discovery_seconds: float
    surgery_seconds: float
    macs_kept: float
    params_kept: float
    largest_relative_difference: float


class SiteRow(TypedDict):
    """One separator of the paper, pruned at the paper's sites, from the experiment ``families``."""

    sites: str
    params: float
    gmacs: float
    published_params: float
    published_gmacs: float


class ComparisonRow(TypedDict):
    """Mean and standard deviation over the seeds of one cell of ``sepprune compare``."""

    stage: str
    method: str
    reduction: float
    si_sdri: float
    deviation: float


def librispeech() -> list[str]:
    """Levels on speakers of LibriSpeech, with half of the 95 % interval."""
    scores = read_json(EXPERIMENTS / "conditions" / "librispeech.json")
    by_level: dict[int, list[str]] = {}
    for condition in CONDITIONS:
        for row in scores[condition]["levels"]:
            low, high = row["si_sdri_ci95"]
            by_level.setdefault(row["level"], []).append(f"{row['si_sdri']:.1f} ± {(high - low) / 2:.1f} dB")
    return table(["level", *CONDITIONS], [[str(level), *cells] for level, cells in by_level.items()])


def input_level() -> list[str]:
    """Scores of quiet and loud inputs, with and without following the level of the input."""
    rows = read_json(EXPERIMENTS / "input_level" / "input_level.json")
    gains = sorted({row["gain_db"] for row in rows}, reverse=True)
    lines = []
    for level, setting in dict.fromkeys((row["level"], row["input_level"]) for row in rows):
        means = [
            fmean(
                row["si_sdri"]
                for row in rows
                if (row["level"], row["input_level"], row["gain_db"]) == (level, setting, gain)
            )
            for gain in gains
        ]
        lines.append([str(level), setting, *(f"{mean:.2f} dB" for mean in means)])
    return table(["level", "`input_level`", *(f"{gain:+d} dB" if gain else "0 dB" for gain in gains)], lines)


def headline() -> list[str]:
    """Two sentences for the README: what level 4 costs and keeps."""
    scores, bench = _test_scores()["clean"], _bench()
    dense, level = scores[0], scores[4]
    dense_ms, level_ms = (bench["openvino", "fp32", number]["p50_ms"] for number in (0, 4))
    return [
        f"Level 4 needs {level['macs_per_second'] / dense['macs_per_second']:.0%} of the multiply-adds of the unpruned "
        f"separator (level 0) and keeps {level['si_sdri'] / dense['si_sdri']:.0%} of its separation quality (SI-SDR "
        f"improvement: {level['si_sdri']:.2f} of {dense['si_sdri']:.2f} dB). A chunk of 8 ms takes {level_ms:.2f} ms "
        f"(level 0: {dense_ms:.2f} ms)."
    ]


def ladder() -> list[str]:
    """The bundled ladder in five columns: cost, quality on clean test mixtures, and the time of an 8 ms chunk."""
    scores, bench = _test_scores()["clean"], _bench()
    lines = [
        [
            str(level),
            f"{row['macs_per_second'] / 1e6:.0f} M",
            f"{row['si_sdri']:.2f} dB",
            f"{row['si_sdri'] / scores[0]['si_sdri']:.0%}",
            f"{bench['openvino', 'fp32', level]['p50_ms']:.2f} ms",
        ]
        for level, row in sorted(scores.items())
    ]
    return table(["level", "MACs/s", "SI-SDRi clean", "share of dense", "chunk time"], lines)


def levels() -> list[str]:
    """The bundled ladder: SI-SDR improvement on test speakers under the conditions of life."""
    scores = _test_scores()
    dense = scores["clean"][0]["si_sdri"]
    lines = []
    for level, row in sorted(scores["clean"].items()):
        single = scores["single"][level]
        lines.append(
            [
                str(level),
                *(f"{scores[condition][level]['si_sdri']:.2f}" for condition in LIVE_CONDITIONS),
                f"{row['si_sdri'] / dense:.0%}",
                f"{single['active_si_sdr']:.1f} / {single['leak_db']:.1f} dB",
            ]
        )
    return table(["level", *LIVE_CONDITIONS, "share of dense", "one voice: SI-SDR / leak"], lines)


def times() -> list[str]:
    """The bundled ladder: sizes, and times of 8 ms chunks."""
    bench = _bench()
    lines = []
    for level, row in sorted(_test_scores()["clean"].items()):
        time = bench["openvino", "fp32", level]
        lines.append(
            [
                str(level),
                f"{row['params'] / 1e6:.2f} M",
                f"{row['macs_per_second'] / 1e6:.0f} M",
                f"{time['p50_ms']:.2f} ms",
                f"{time['p99_ms']:.2f} ms",
                f"{bench['openvino', 'int8', level]['p50_ms']:.2f} ms",
                f"{bench['torch', 'fp32', level]['p50_ms']:.2f} ms",
                f"{time['floor_ms']:.2f} ms",
            ]
        )
    return table(["level", "parameters", "MACs/s", "p50", "p99", "8-bit weights", "eager torch", "floor"], lines)


def targets() -> list[str]:
    """What the ladder was meant to reach on test speakers, and what it reached."""
    scores = _test_scores()
    rows = [
        [f"level 0, {name}", f"{target} dB", f"{scores[name][0]['si_sdri']:.2f} dB"] for name, target in TARGETS.items()
    ]
    single = scores["single"][0]
    reached = f"{single['active_si_sdr']:.1f} / {single['leak_db']:.1f} dB"
    rows.append(["level 0, one voice: SI-SDR / leak", "15 / -20 dB", reached])
    rows.append(["level 0, one voice: leak of the worst file", "-10 dB", f"{single['worst_leak_db']:.1f} dB"])
    long = read_json(SCORES / "test-long.json")
    reached = f"{long['levels'][0]['swaps']} in {long['mixtures']} files of a minute"
    rows.append(["level 0, exchanges of the voices", "none", reached])
    for level, target in SHARES.items():
        shares = [scores[name][level]["si_sdri"] / scores[name][0]["si_sdri"] for name in CONDITIONS]
        what = f"level {level}, share of level 0: {', '.join(CONDITIONS)}"
        rows.append([what, f"{target:.0%}", ", ".join(f"{share:.0%}" for share in shares)])
    return table(["what", "target", "reached"], rows)


def families() -> list[str]:
    """Every built-in separator at half of its multiply-adds: times and sizes."""
    report: dict[str, HalfRow] = read_json(EXPERIMENTS / "families" / "families.json")["half"]
    rows = [
        [
            name,
            f"{row['discovery_seconds']:.1f} s",
            f"{row['surgery_seconds']:.1f} s",
            f"{row['macs_kept']:.2%}",
            f"{row['params_kept']:.1%}",
            f"{row['largest_relative_difference']:.0e}",
        ]
        for name, row in report.items()
    ]
    heads = ["separator", "groups found and proven", "cut", "multiply-adds left", "parameters left"]
    return table([*heads, "largest relative difference from the masked model"], rows)


def sites() -> list[str]:
    """The paper's separators, pruned at the paper's sites: our size and the published one."""
    report: dict[str, SiteRow] = read_json(EXPERIMENTS / "families" / "families.json")["paper"]
    rows = [
        [
            name,
            f"`{row['sites']}`",
            f"{row['params']:.2f} M ({row['published_params']:.2f} M)",
            f"{row['gmacs']:.2f} ({row['published_gmacs']:.2f})",
        ]
        for name, row in report.items()
    ]
    return table(["separator", "sites", "parameters (published)", "GMAC/s as ptflops counts (published)"], rows)


def comparison() -> list[str]:
    """Pruning methods: mean and standard deviation over the seeds, before and after fine-tuning."""
    report = read_json(EXPERIMENTS / "comparison" / "comparison.json")
    found: list[ComparisonRow] = report["rows"]
    rows = {(row["stage"], row["method"], row["reduction"]): row for row in found}
    columns = [(stage, reduction) for stage in ("pruned", "tuned") for reduction in report["reductions"]]
    heads = ["method", *(f"−{reduction:.0%}{'' if stage == 'pruned' else ', tuned'}" for stage, reduction in columns)]
    best_first = sorted(report["methods"], key=lambda name: -rows["tuned", name, report["tuned_reduction"]]["si_sdri"])
    lines = []
    for method in best_first:
        cells = [rows.get((stage, method, reduction)) for stage, reduction in columns]
        lines.append([method, *(f"{cell['si_sdri']:.2f} ± {cell['deviation']:.2f}" if cell else "–" for cell in cells)])
    return table(heads, lines)


def _test_scores() -> dict[str, dict[int, LevelScores]]:
    """Scores by condition and level."""
    found: dict[str, dict[int, LevelScores]] = {}
    for name in (*LIVE_CONDITIONS, "single"):
        rows: list[LevelScores] = read_json(SCORES / f"test-{name}.json")["levels"]
        found[name] = {row["level"]: row for row in rows}
    return found


def _bench() -> dict[tuple[str, str, int], BenchRow]:
    """Times of 8 ms chunks by backend, precision and level."""
    rows: list[BenchRow] = read_json(SCORES / "bench.json")["rows"]
    return {(row["backend"], row["precision"], row["level"]): row for row in rows if row["chunk_ms"] == 8.0}


#: name of the marker -> function that makes the lines
TABLES: dict[str, Callable[[], list[str]]] = {
    "headline": headline,
    "input-level": input_level,
    "librispeech": librispeech,
    "ladder": ladder,
    "levels": levels,
    "times": times,
    "targets": targets,
    "families": families,
    "sites": sites,
    "comparison": comparison,
    **CLAIMS,
    **LEVEL_DIFFERENCES,
    **RELIABILITY,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        if names := fill(page, TABLES):
            print(f"{page.relative_to(ROOT)}: {', '.join(names)}")


if __name__ == "__main__":
    run_script(main)
