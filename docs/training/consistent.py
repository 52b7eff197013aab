"""Give levels of a trained ladder mixture consistency: plans and weights, with shares that are still to be learned.

    python docs/training/consistent.py OUT --units 24 [--ladder assets/ladder]

OUT gets ``level-N.safetensors`` and, of pruned levels, ``level-N.plan.json``. ``sepprune train configs/consistency.toml
--weights OUT/level-N.safetensors --plan OUT/level-N.plan.json --out ...`` learns the shares and nothing else.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from sepprune.pruning import PruningPlan
from sepprune.separators import build_separator
from sepprune.separators.growth import grow
from sepprune.streaming import Ladder, Level

#: a layer that reads what the masks are made from, and the one that is to read it, too
READER, NEW = "mask.weight", "consistency.listen.weight"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--units", type=int, default=24, help="see `consistency` of a separator (default: 24)")
    parser.add_argument("--ladder", help="ladder folder (default: the one that ships)")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for level in Ladder.load(args.ladder).levels:
        separator, plan = consistent(level, args.units)
        save_file(separator.state_dict(), args.out / f"level-{level.level}.safetensors")
        if plan is not None:
            plan.save(args.out / f"level-{level.level}.plan.json")


def consistent(level: Level, units: int) -> tuple[nn.Module, PruningPlan | None]:
    """A level that computes what it did, with layers that can learn to share the rest, and its plan."""
    separator, plan = build_separator(level.model, **level.settings | {"consistency": units}), None
    if level.plan is not None:
        plan = PruningPlan.load(level.folder / level.plan)
        read = [dataclasses.replace(cut, tensor=NEW) for cut in plan.cuts if (cut.tensor, cut.dimension) == (READER, 1)]
        plan = dataclasses.replace(plan, cuts=(*plan.cuts, *read))
        separator = plan.apply(separator)
    return grow(level.build(), separator), plan


if __name__ == "__main__":
    main()
