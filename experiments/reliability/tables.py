"""The tables of docs/reliability.md. ``python -m experiments.tables`` writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..common import EXPERIMENTS, read_json, table

RESULTS = EXPERIMENTS / "reliability"


def fuzz() -> list[str]:
    """Damaged and hostile files, by reader."""
    found = read_json(RESULTS / "fuzz.json")
    rows = [
        [
            one["name"],
            str(one["cases"]),
            str(one["refused"]),
            str(len(one["failures"])),
            f"{1000 * one['slowest_s']:.0f} ms",
            f"{one['peak_bytes'] / 1e6:.0f} MB",
        ]
        for one in found["readers"]
    ]
    rows.append(["all", str(found["cases"]), str(sum(one["refused"] for one in found["readers"]))])
    rows[-1] += [str(found["failures"]), "", ""]
    return table(["reader", "files", "refused in a sentence", "failures", "slowest", "memory with libraries"], rows)


def kills() -> list[str]:
    """Programs that were killed while they wrote."""
    found = read_json(RESULTS / "kill.json")
    rows = [[one["target"], str(one["kills"]), str(len(one["failures"]))] for one in found["targets"]]
    return table(["what was written", "kills", "something lost or damaged"], rows)


def soak() -> list[str]:
    """A day of virtual time."""
    found = read_json(RESULTS / "soak.json")
    rows = [
        ["virtual hours", str(found["hours"])],
        ["chunks processed", f"{found['chunks']} of {found['chunk_ms']:g} ms"],
        ["level changes", str(found["switches"])],
        ["gaps in the output", str(found["gaps"])],
        ["samples that corrected the difference of two clocks", str(found["drift_samples"])],
        ["growth of memory after the first hour", f"{found['memory_growth_bytes'] / 1e6:.2f} MB"],
        ["open files after the first and the last hour", " and ".join(map(str, found["files"]))],
        ["threads after the first and the last hour", " and ".join(map(str, found["threads"]))],
        ["problems", "; ".join(found["problems"]) or "none"],
    ]
    return table(["what", "found"], rows)


def window() -> list[str]:
    """An hour of use in real time."""
    found = read_json(RESULTS / "soak_window.json")
    counters, rows = found["counters"], found["rows"]
    settled, last = rows[len(rows) // 3], rows[-1]
    grown = {name: (last[name]["memory"] - settled[name]["memory"]) / 1e6 for name in ("window", "engine")}
    lines = [
        ["minutes, actions", f"{found['minutes']:g}, {found['actions']}"],
        ["machine, load at the start", f"{found['machine']['processor']}, {found['load']:.1f}"],
        ["chunks processed", str(counters["chunks"])],
        ["gaps and lost blocks of the program", str(_lost(found, stalled=False))],
        ["the same while the host stopped the machine", str(_lost(found, stalled=True))],
        ["times that the host stopped a processor, longest", _stalls(found["stalls"])],
        ["losses that the driver reports", str(counters["output_underflows"] + counters["input_overflows"])],
        ["chunks later than a chunk", str(counters["deadline_misses"])],
        ["longest time without an answer of the window", f"{found['longest_freeze_s']:.2f} s"],
        ["growth of memory: window, engine", f"{grown['window']:.1f} MB, {grown['engine']:.1f} MB"],
        ["recordings, all with files of equal length", str(len(found["recordings"]))],
        ["problems", "; ".join(found["problems"]) or "none"],
    ]
    return table(["what", "found"], lines)


def _lost(found: dict[str, Any], stalled: bool) -> int:
    return sum(loss["count"] for loss in found["losses"] if bool(loss["stall_s"]) == stalled)


def _stalls(found: dict[str, Any] | None) -> str:
    return "not known" if found is None else f"{found['count']}, {1000 * found['longest_s']:.0f} ms"


def faults() -> list[str]:
    """The running engine, broken in several ways."""
    found = read_json(RESULTS / "faults.json")["faults"]
    rows = [[one["fault"], one["must"], "yes" if one["holds"] else "**no**", one["result"]] for one in found]
    return table(["fault", "what must hold", "holds", "found"], rows)


#: name of the marker -> function that makes the lines
TABLES: dict[str, Callable[[], list[str]]] = {
    "reliability-fuzz": fuzz,
    "reliability-kills": kills,
    "reliability-soak": soak,
    "reliability-window": window,
    "reliability-faults": faults,
}
