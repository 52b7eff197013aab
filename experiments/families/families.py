"""Prunes every built-in separator by command and writes families.json beside this file.

    python docs/pruning/families.py

For each: seconds to find and prove its channel groups and to cut, with all safe groups at half of the multiply-adds;
for the paper's families also parameters and multiply-adds (as ptflops counts) at the sites and to the size of the
paper's LRS2-2Mix table. Nothing here is trained: channels are ranked by their weights' norm, and drawn at random at the
paper's sites, since sizes and times are what is looked at.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import torch

from sepprune.models import load_named
from sepprune.pruning import analyze, prune
from sepprune.pruning.pipeline import prepare
from sepprune.streaming.machine import load, machine

#: name -> where the paper prunes, published parameters (M) and GMAC a second, before and after
PAPER = {
    "afrcnn-12": ("network.block.fuse.*.norm", (5.13, 28.58), (3.06, 16.52)),
    "sudormrf-1.0x": ("network.*.pyramid.expand.norm", (2.72, 4.65), (1.54, 2.91)),
    "tdanet": ("network.block.top.mlp.expand.norm", (2.35, 4.77), (1.92, 4.33)),
}
OTHERS = ("afrcnn-16", "tdanet-large", "conv-tasnet", "skim")
RATE = 16_000


def main() -> None:
    torch.set_num_threads(2)
    report: dict[str, Any] = {"machine": machine() | {"load": load()}, "half": {}, "paper": {}}
    for name in (*PAPER, *OTHERS):
        report["half"][name] = _half(name)
        print(name, report["half"][name])
    for name, (sites, before, after) in PAPER.items():
        report["paper"][name] = _at_the_papers_sites(name, sites, before, after)
        print(name, report["paper"][name])
    Path(__file__).with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _example(name: str) -> torch.Tensor | None:
    return None if name in ("conv-tasnet", "skim") else 0.1 * torch.randn(1, RATE)


def _half(name: str) -> dict[str, float]:
    torch.manual_seed(0)
    module = load_named(name)
    started = time.perf_counter()
    prepared = prepare(module, _example(name))
    found = time.perf_counter()
    result = prune(prepared, macs=0.5, method="l2")
    ended = time.perf_counter()
    return {
        "discovery_seconds": found - started,
        "surgery_seconds": ended - found,
        "macs_kept": result.report["macs_after"] / result.report["macs_before"],
        "params_kept": result.report["params_after"] / result.report["params_before"],
        "largest_relative_difference": result.report["max_relative_difference"],
    }


def _at_the_papers_sites(
    name: str, sites: str, before: tuple[float, float], after: tuple[float, float]
) -> dict[str, Any]:
    torch.manual_seed(0)
    module, example = load_named(name), _example(name)
    result = prune(module, example, params=after[0] / before[0], method="random", include=[sites])
    counted = analyze(result.model, example)
    gmacs = counted.macs_per_second_ptflops / 1e9
    return {
        "sites": sites,
        "params": counted.params / 1e6,
        "gmacs": gmacs,
        "published_params": after[0],
        "published_gmacs": after[1],
        "params_off": counted.params / 1e6 / after[0] - 1,
        "gmacs_off": gmacs / after[1] - 1,
        "largest_relative_difference": result.report["max_relative_difference"],
    }


if __name__ == "__main__":
    main()
