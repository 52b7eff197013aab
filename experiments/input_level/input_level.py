"""How the bundled levels separate quiet and loud inputs, with and without following the input's level.

    python -m experiments.input_level.input_level DATA

Scores are means of SI-SDR improvement in dB over the validation mixtures of DATA, made louder by each gain. The weights
are the bundled ones; only the setting ``input_level`` differs. The result is ``input_level.json`` beside this file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sepprune.data.mixtures import find
from sepprune.pruning import PruningPlan
from sepprune.separators import build_separator
from sepprune.separators.base import CausalSeparator
from sepprune.streaming import Ladder
from sepprune.training.validation import si_sdr_improvements

from ..common import CONDITIONS, run_script, write_json

LEVELS = (0, 4)
#: name -> value of the setting
SETTINGS: dict[str, list[int]] = {
    "off": [0],
    "-34 to -12 dB": [-34, -12],
    "-30 to -12 dB": [-30, -12],
    "-26 to -12 dB": [-26, -12],
    "-20 dB": [-20],
}
GAINS_DB = (6, 0, -30, -40)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder with valid/clean, valid/noisy and valid/room")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for condition in CONDITIONS:
        mixtures, references = fixed_mixtures(args.data / "valid" / condition)
        for level in LEVELS:
            for name, setting in SETTINGS.items():
                separator = with_input_level(level, setting)
                for gain_db in GAINS_DB:
                    gain = 10 ** (gain_db / 20)
                    scores = si_sdr_improvements(separator, gain * mixtures, gain * references)
                    row = {"condition": condition, "level": level, "input_level": name, "gain_db": gain_db}
                    rows.append({**row, "si_sdri": round(float(scores.mean()), 2), "mixtures": len(scores)})
                    print(rows[-1], flush=True)
    write_json(Path(__file__).with_suffix(".json"), rows)


def fixed_mixtures(folder: Path) -> tuple[Tensor, Tensor]:
    """All mixtures of a folder, cut to whole hops of the shortest.

    Shape:
        - mixtures: ``(count, samples)``, references: ``(count, sources, samples)``
    """
    files = find(folder)
    samples = min(entry.frames(16_000) for entry in files) // 128 * 128
    signals = torch.from_numpy(np.stack([entry.read(16_000, 0, samples) for entry in files]))
    return signals[:, 0], signals[:, 1:]


def with_input_level(level: int, setting: list[int]) -> CausalSeparator:
    """A bundled level with another value of the setting ``input_level``."""
    ladder = Ladder.load()
    entry = ladder[level]
    separator = build_separator(entry.model, **{**entry.settings, "input_level": setting})
    if entry.plan is not None:
        separator = PruningPlan.load(entry.folder / entry.plan).apply(separator)
    separator.load_state_dict(ladder.build(level).state_dict())
    if not isinstance(separator, CausalSeparator):
        raise TypeError(f"level {level} is a {type(separator).__name__}, not a causal separator")
    return separator.eval()


if __name__ == "__main__":
    run_script(main)
