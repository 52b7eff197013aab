"""Prunes every built-in separator and writes families.json beside this file.

    python -m experiments.families.families

For each separator: seconds to find and prove its channel groups, and to cut half of its multiply-adds in all safe
groups. For the paper's separators also parameters and multiply-adds (counted as ptflops does) at the paper's sites and
to the sizes of its LRS2-2Mix table. Nothing is trained. Channels are ranked by the norm of their weights, and drawn at
random at the paper's sites, since only sizes and times matter here.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from sepprune.models import load_named
from sepprune.pruning import analyze, prune
from sepprune.pruning.pipeline import prepare
from sepprune.streaming.machine import load, machine

from ..common import run_script, write_json

#: name -> pruning sites of the paper, published parameters (M) and GMAC per second, before and after
PAPER = {
    "afrcnn-12": ("network.block.fuse.*.norm", (5.13, 28.58), (3.06, 16.52)),
    "sudormrf-1.0x": ("network.*.pyramid.expand.norm", (2.72, 4.65), (1.54, 2.91)),
    "tdanet": ("network.block.top.mlp.expand.norm", (2.35, 4.77), (1.92, 4.33)),
}
OTHERS = ("afrcnn-16", "tdanet-large", "conv-tasnet", "skim")
RATE = 16_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    torch.set_num_threads(2)
    half: dict[str, object] = {}
    paper: dict[str, object] = {}
    for name in (*PAPER, *OTHERS):
        half[name] = _half(name)
        print(name, half[name], flush=True)
    for name, (sites, before, after) in PAPER.items():
        paper[name] = _at_sites(name, sites, before, after)
        print(name, paper[name], flush=True)
    report = {"machine": machine() | {"load": load()}, "half": half, "paper": paper}
    write_json(Path(__file__).with_suffix(".json"), report)


def _example(name: str) -> torch.Tensor | None:
    """Example input; the causal separators have one of their own."""
    return None if name in ("conv-tasnet", "skim") else 0.1 * torch.randn(1, RATE)


def _half(name: str) -> dict[str, float]:
    """Times and sizes at half of the multiply-adds."""
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


def _at_sites(name: str, sites: str, before: tuple[float, float], after: tuple[float, float]) -> dict[str, str | float]:
    """Sizes after pruning at the paper's sites, and the published ones."""
    torch.manual_seed(0)
    module, example = load_named(name), _example(name)
    result = prune(module, example, params=after[0] / before[0], method="random", include=[sites])
    counted = analyze(result.model, example)
    params, gmacs = counted.params / 1e6, counted.macs_per_second_ptflops / 1e9
    return {
        "sites": sites,
        "params": params,
        "gmacs": gmacs,
        "published_params": after[0],
        "published_gmacs": after[1],
        "params_off": params / after[0] - 1,
        "gmacs_off": gmacs / after[1] - 1,
        "largest_relative_difference": result.report["max_relative_difference"],
    }


if __name__ == "__main__":
    run_script(main)
