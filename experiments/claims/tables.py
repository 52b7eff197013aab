"""The tables of docs/claims.md. ``python -m experiments.tables`` writes them."""

from __future__ import annotations

from collections.abc import Callable

from ..common import table
from .results import best_epoch, from_scratch, read


def finetuning() -> list[str]:
    """SI-SDRi after the cut, by epochs and method of fine-tuning."""
    found = read("finetuning")
    dense, jobs = found["dense"]["si_sdri"], {(job["epochs"], job["method"]): job["si_sdri"] for job in found["jobs"]}
    methods = {"adam": "Adam", "muon": "Muon", "hints": "Muon and hints", "batch-1": "Muon and hints, batch 1"}
    cut = jobs.pop((0, "adam"))
    rows = [
        [f"{epochs:g}", *(f"{(score := jobs[epochs, method]):.2f} dB, {score / dense:.1%}" for method in methods)]
        for epochs in sorted({epochs for epochs, _ in jobs})
    ]
    return table(["epochs", *methods.values()], [["0", f"{cut:.2f} dB, {cut / dense:.1%}", "", "", ""], *rows])


def repeated() -> list[str]:
    """One epoch of fine-tuning, repeated with other mixtures and with fewer mask updates."""
    found = read("repeated")
    rows = [
        [
            str(job["seed"]),
            str(job["mask_steps"]),
            f"{job['si_sdri']:.2f} dB",
            f"{job['si_sdri'] / found['dense']['si_sdri']:.1%}",
        ]
        for job in (best_epoch(), *found["jobs"])
    ]
    return table(["seed of the mixtures", "mask updates", "SI-SDRi", "of dense"], rows)


def scratch() -> list[str]:
    """A model from fresh weights at every validation, and the fine-tuned one."""
    dense, tuned = read("finetuning")["dense"]["si_sdri"], best_epoch()["si_sdri"]
    rows = [[f"{epochs:.1f}", f"{score:.2f} dB", f"{score / dense:.0%}"] for epochs, score in from_scratch()]
    rows.append(["*1 of fine-tuning after the cut*", f"*{tuned:.2f} dB*", f"*{tuned / dense:.0%}*"])
    return table(["epochs", "SI-SDRi", "of dense"], rows)


def joint() -> list[str]:
    """Masks first and weights afterwards, against both together."""
    first = {job["epochs"]: job["si_sdri"] for job in read("finetuning")["jobs"] if job["method"] == "adam"}
    rows = [
        [f"{job['epochs']:g}", f"{first[job['epochs']]:.2f} dB", f"{job['si_sdri']:.2f} dB"]
        for job in read("joint")["jobs"]
    ]
    return table(["epochs afterwards", "masks first", "together"], rows)


def steps() -> list[str]:
    """Number of mask updates against the result."""
    jobs = {(job["mask_steps"], job["epochs"]): job for job in read("steps")["jobs"]}
    counts = sorted({count for count, _ in jobs})
    return table(
        ["mask updates", *map(str, counts)],
        [
            ["as cut", *(f"{jobs[count, 0]['si_sdri']:.2f} dB" for count in counts)],
            ["after 0.1 epoch", *(f"{jobs[count, 0.1]['si_sdri']:.2f} dB" for count in counts)],
            ["parameters", *(f"{jobs[count, 0]['params'] / 1e6:.2f} M" for count in counts)],
        ],
    )


def front() -> list[str]:
    """The bundled levels, and the same shapes after half an epoch from the dense weights and from fresh ones."""
    jobs = {(job["keep"], job["start"]): job for job in read("front")["jobs"] if isinstance(job["keep"], int)}
    starts = {
        "shipped": "bundled",
        "pruned": "half an epoch of fine-tuning",
        "scratch": "half an epoch from fresh weights",
    }
    rows = [
        [
            str(level),
            f"{jobs[level, 'shipped']['macs_per_second'] / 1e6:.0f} M",
            *(f"{jobs[level, start]['si_sdri']:.2f} dB" if (level, start) in jobs else "" for start in starts),
        ]
        for level in sorted({level for level, _ in jobs})
    ]
    return table(["level", "multiply-adds per second", *starts.values()], rows)


#: name of the marker in docs/claims.md -> function that makes the lines
TABLES: dict[str, Callable[[], list[str]]] = {
    "finetuning": finetuning,
    "repeated": repeated,
    "scratch": scratch,
    "joint": joint,
    "steps": steps,
    "front": front,
}
