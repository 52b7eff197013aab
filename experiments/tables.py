"""Puts measured figures where people read them, each table between its two markers.

    python docs/tables.py

The table of levels goes into README.md, from what `sepprune evaluate --json docs/training/test-CONDITION.json` and
`sepprune bench --json docs/bench.json` wrote, and that of targets into docs/training.md, from the first of these; the
table of pruning methods into docs/pruning.md, from docs/pruning/comparison.json, the report of `sepprune compare`;
those of docs/claims.md come from what docs/claims/claims.py found.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
README = DOCS.parent / "README.md"
CONDITIONS = ("clean", "noisy", "room")


def main() -> None:
    _put(README, "levels", _levels())
    _put(DOCS / "pruning.md", "comparison", _comparison())
    _put(DOCS / "pruning.md", "families", _families())
    _put(DOCS / "pruning.md", "sites", _sites())
    _put(DOCS / "training.md", "targets", _targets())
    for table in (_finetuning, _repeated, _scratch, _joint, _steps, _front):
        _put(DOCS / "claims.md", table.__name__[1:], table())


def _families() -> list[str]:
    """Every built-in separator at half of its multiply-adds: times and what is left."""
    report = json.loads((DOCS / "pruning" / "families.json").read_text(encoding="utf-8"))["half"]
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
    return _table(
        [
            "separator",
            "groups found and proven",
            "cut",
            "multiply-adds left",
            "parameters left",
            "largest relative difference from the masked model",
        ],
        rows,
    )


def _sites() -> list[str]:
    """The paper's families at its sites: our size against the published one."""
    report = json.loads((DOCS / "pruning" / "families.json").read_text(encoding="utf-8"))["paper"]
    rows = [
        [
            name,
            f"`{row['sites']}`",
            f"{row['params']:.2f} M ({row['published_params']:.2f} M)",
            f"{row['gmacs']:.2f} ({row['published_gmacs']:.2f})",
        ]
        for name, row in report.items()
    ]
    return _table(["separator", "sites", "parameters (published)", "GMAC/s as ptflops counts (published)"], rows)


def _comparison() -> list[str]:
    """Pruning methods: mean and standard deviation over the seeds, before and after fine-tuning."""
    report = json.loads((DOCS / "pruning" / "comparison.json").read_text(encoding="utf-8"))
    rows = {(row["stage"], row["method"], row["reduction"]): row for row in report["rows"]}
    columns = [(stage, reduction) for stage in ("pruned", "tuned") for reduction in report["reductions"]]
    heads = ["method", *(f"−{reduction:.0%}{'' if stage == 'pruned' else ', tuned'}" for stage, reduction in columns)]
    methods = sorted(report["methods"], key=lambda name: -rows["tuned", name, report["tuned_reduction"]]["si_sdri"])
    cells = [
        [
            f"{row['si_sdri']:.2f} ± {row['deviation']:.2f}" if (row := rows.get((stage, method, reduction))) else "–"
            for stage, reduction in columns
        ]
        for method in methods
    ]
    return _table(heads, [[method, *line] for method, line in zip(methods, cells, strict=True)])


def _levels() -> list[str]:
    scores = _test_scores()
    bench = {
        (row["backend"], row["precision"], row["level"]): row
        for row in json.loads((DOCS / "bench.json").read_text(encoding="utf-8"))["rows"]
        if row["chunk_ms"] == 8.0
    }
    heads = [
        "level",
        "parameters",
        "MACs/s",
        *(f"SI-SDRi {name}" for name in CONDITIONS),
        "share of dense",
        "one voice: SI-SDR / leak",
        "p50",
        "p99",
        "8-bit weights",
        "eager torch",
        "floor",
    ]
    rows = []
    for level, row in sorted(scores["clean"].items()):
        improvements = [scores[name][level]["si_sdri"] for name in CONDITIONS]
        single, time = scores["single"][level], bench["openvino", "fp32", level]
        rows.append(
            [
                str(level),
                f"{row['params'] / 1e6:.2f} M",
                f"{row['macs_per_second'] / 1e6:.0f} M",
                *(f"{value:.2f} dB" for value in improvements),
                f"{row['si_sdri'] / scores['clean'][0]['si_sdri']:.0%}",
                f"{single['active_si_sdr']:.1f} / {single['leak_db']:.1f} dB",
                f"{time['p50_ms']:.2f} ms",
                f"{time['p99_ms']:.2f} ms",
                *(f"{bench[*way, level]['p50_ms']:.2f} ms" for way in (("openvino", "int8"), ("torch", "fp32"))),
                f"{time['floor_ms']:.2f} ms",
            ]
        )
    return _table(heads, rows)


def _targets() -> list[str]:
    """What the ladder was meant to reach on speakers that were never trained on, and what it did."""
    scores = _test_scores()
    dense = [scores[name][0]["si_sdri"] for name in CONDITIONS]
    rows = [
        [f"level 0, {name}", f"{target} dB", f"{score:.2f} dB"]
        for name, target, score in zip(CONDITIONS, (8.5, 6.5, 4.5), dense, strict=True)
    ]
    single = scores["single"][0]
    rows.append(
        [
            "level 0, one voice: SI-SDR / leak",
            "15 / -20 dB",
            f"{single['active_si_sdr']:.1f} / {single['leak_db']:.1f} dB",
        ]
    )
    for level, target in ((2, 0.97), (4, 0.9), (6, 0.75)):
        shares = (scores[name][level]["si_sdri"] / score for name, score in zip(CONDITIONS, dense, strict=True))
        rows.append(
            [
                f"level {level}, share of level 0: {', '.join(CONDITIONS)}",
                f"{target:.0%}",
                ", ".join(f"{share:.0%}" for share in shares),
            ]
        )
    return _table(["what", "target", "reached"], rows)


def _finetuning() -> list[str]:
    """What is left after the cut, by epochs and ways of fine-tuning."""
    found = _claim("finetuning")
    dense, jobs = found["dense"]["si_sdri"], {(job["epochs"], job["method"]): job["si_sdri"] for job in found["jobs"]}
    methods = {"adam": "Adam", "muon": "Muon", "hints": "Muon and hints", "batch-1": "Muon and hints, batch 1"}
    cut = jobs.pop((0, "adam"))
    rows = [
        [f"{epochs:g}", *(f"{(score := jobs[epochs, method]):.2f} dB, {score / dense:.1%}" for method in methods)]
        for epochs in sorted({epochs for epochs, _ in jobs})
    ]
    return _table(["epochs", *methods.values()], [["0", f"{cut:.2f} dB, {cut / dense:.1%}", "", "", ""], *rows])


def _repeated() -> list[str]:
    """One epoch of fine-tuning, made more than once."""
    found = _claim("repeated")
    rows = [
        [
            str(job["seed"]),
            str(job["mask_steps"]),
            f"{job['si_sdri']:.2f} dB",
            f"{job['si_sdri'] / found['dense']['si_sdri']:.1%}",
        ]
        for job in (_one_epoch(), *found["jobs"])
    ]
    return _table(["seed of the mixtures", "updates of the masks", "SI-SDRi", "of dense"], rows)


def _scratch() -> list[str]:
    """A model from fresh weights whenever it was looked at, and the fine-tuned one."""
    found = _claim("finetuning")
    dense, epoch = found["dense"]["si_sdri"], found["epoch_hours"]
    with open(DOCS / "claims" / "scratch-long.csv", newline="", encoding="utf-8") as file:
        looks = [(float(row["audio_hours"]) / epoch, float(row["si_sdri"])) for row in csv.DictReader(file)]
    tuned = _one_epoch()["si_sdri"]
    return _table(
        ["epochs", "SI-SDRi", "of dense"],
        [[f"{epochs:.1f}", f"{score:.2f} dB", f"{score / dense:.0%}"] for epochs, score in looks]
        + [["*1 of fine-tuning after the cut*", f"*{tuned:.2f} dB*", f"*{tuned / dense:.0%}*"]],
    )


def _joint() -> list[str]:
    first = {job["epochs"]: job["si_sdri"] for job in _claim("finetuning")["jobs"] if job["method"] == "adam"}
    return _table(
        ["epochs afterwards", "masks first", "together"],
        [
            [f"{job['epochs']:g}", f"{first[job['epochs']]:.2f} dB", f"{job['si_sdri']:.2f} dB"]
            for job in _claim("joint")["jobs"]
        ],
    )


def _steps() -> list[str]:
    jobs = {(job["mask_steps"], job["epochs"]): job for job in _claim("steps")["jobs"]}
    steps = sorted({steps for steps, _ in jobs})
    return _table(
        ["updates of the masks", *map(str, steps)],
        [
            ["as cut", *(f"{jobs[count, 0]['si_sdri']:.2f} dB" for count in steps)],
            ["after 0.1 epoch", *(f"{jobs[count, 0.1]['si_sdri']:.2f} dB" for count in steps)],
            ["parameters", *(f"{jobs[count, 0]['params'] / 1e6:.2f} M" for count in steps)],
        ],
    )


def _front() -> list[str]:
    jobs = {(job["keep"], job["start"]): job for job in _claim("front")["jobs"]}
    starts = {
        "shipped": "as it ships",
        "pruned": "half an epoch of fine-tuning",
        "scratch": "half an epoch from fresh weights",
    }
    return _table(
        ["level", "multiply-adds per second", *starts.values()],
        [
            [
                str(level),
                f"{jobs[level, 'shipped']['macs_per_second'] / 1e6:.0f} M",
                *(f"{jobs[level, start]['si_sdri']:.2f} dB" if (level, start) in jobs else "" for start in starts),
            ]
            for level in sorted({level for level, _ in jobs})
        ],
    )


def _one_epoch() -> dict[str, Any]:
    """What one epoch of fine-tuning gave at its best."""
    (job,) = (job for job in _claim("finetuning")["jobs"] if (job["epochs"], job["method"]) == (1, "batch-1"))
    return job


def _claim(name: str) -> dict[str, Any]:
    return json.loads((DOCS / "claims" / f"{name}.json").read_text(encoding="utf-8"))


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [_line(heads), _line(["---"] * len(heads)), *map(_line, rows)]


def _put(page: Path, name: str, lines: list[str]) -> None:
    """Write a table between the markers of this name."""
    begin, end = f"<!-- {name}: python docs/tables.py -->\n", f"<!-- end of {name} -->\n"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    page.write_text(before + begin + "\n".join(lines) + "\n" + end + rest.split(end)[1], encoding="utf-8")


def _test_scores() -> dict[str, dict[int, dict[str, Any]]]:
    return {name: _rows(DOCS / "training" / f"test-{name}.json", "levels") for name in (*CONDITIONS, "single")}


def _rows(path: Path, key: str) -> dict[int, dict[str, Any]]:
    return {row["level"]: row for row in json.loads(path.read_text(encoding="utf-8"))[key]}


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
