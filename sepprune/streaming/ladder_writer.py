"""Writing a ladder folder."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..checked import parse_json, read_limited
from ..errors import UserError
from ..files import reason, write_whole
from ..folders import whole_folder
from .building import build_level
from .ladder import FORMAT, INDEX, LARGEST_INDEX, SHARED, VERSION, Ladder
from .weights import single_precision

if TYPE_CHECKING:
    from torch import Tensor

    from ..pruning import PruningPlan
    from ..separators.base import CausalSeparator


#: names of the files of a ladder, which a new ladder in the same folder replaces
_OWN = (INDEX, "level-*.safetensors", "level-*.plan.json")


class LevelRecord(NamedTuple):
    """A level that :func:`write_ladder` writes.

    Args:
        model, settings: as :func:`sepprune.separators.build_separator` takes them, before pruning.
        plan: the pruning plan, ``None`` where nothing was pruned.
        state: the weights after pruning, or what :func:`~.rounding.rounded` made of them.
        facts: must name ``macs_per_second``; may name ``si_sdri`` (condition -> dB) and anything else.
    """

    model: str
    settings: Mapping[str, Any]
    plan: PruningPlan | None
    state: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def write_ladder(
    folder: str | os.PathLike[str], name: str, levels: Sequence[LevelRecord], card: Mapping[str, Any] | None = None
) -> Ladder:
    """Write a ladder. Every level is built from what is written, so that the files are known to load.

    Args:
        folder: made where it is missing. A ladder that is there is replaced in one step, see
            :func:`~sepprune.folders.whole_folder`; other files in the folder stay.
        name: what the ladder is called.
        levels: dense first.
        card: facts about the whole ladder, such as training data and licences.

    Raises:
        UserError: the folder cannot be written; what was there is unchanged.
        ValueError: there are no levels, they disagree about the filterbank, or a fact is missing.
    """
    import safetensors.torch

    if not levels:
        raise ValueError("a ladder needs at least one level")
    shapes: set[tuple[int, int, int, int]] = set()
    entries: list[dict[str, Any]] = []
    files: dict[str, bytes] = {}
    for number, (model, settings, plan, state, facts) in enumerate(levels):
        if "macs_per_second" not in facts:
            raise ValueError(f"the facts of level {number} lack macs_per_second")
        content = safetensors.torch.save({key: value.detach().cpu().contiguous() for key, value in state.items()})
        module = build_level(model, settings, plan, single_precision(safetensors.numpy.load(content)))
        shapes.add((module.sample_rate, module.sources, module.hop, module.window))
        weights, plan_name = f"level-{number}.safetensors", f"level-{number}.plan.json"
        entry = {
            "level": number,
            "model": {"name": model, "settings": _complete(settings, module)},
            "weights": weights,
            "sha256": hashlib.sha256(content).hexdigest(),
            "plan": None if plan is None else plan_name,
            "plan_sha256": None,
            "segment": module.segment,
            "params": sum(parameter.numel() for parameter in module.parameters()),
            "si_sdri": None,
        }
        if plan is not None:
            files[plan_name] = json.dumps(plan.to_json(), separators=(",", ":")).encode()
            entry["plan_sha256"] = hashlib.sha256(files[plan_name]).hexdigest()
        entries.append(entry | {key: value for key, value in facts.items() if key not in entry or key == "si_sdri"})
        files[weights] = content
    if len(shapes) > 1:
        raise ValueError(f"levels differ in (sample rate, sources, hop, window): {sorted(shapes)}; a ladder has one")
    sample_rate, sources, hop, window = shapes.pop()
    files[INDEX] = _dump(
        {
            "format": FORMAT,
            "version": VERSION,
            "name": name,
            "sample_rate": sample_rate,
            "sources": sources,
            "hop": hop,
            "window": window,
            "card": dict(card or {}),
            "levels": entries,
        }
    )
    folder = Path(folder)
    try:
        with whole_folder(folder, _OWN) as new:
            for file, content in files.items():
                (new / file).write_bytes(content)
    except OSError as error:
        raise UserError(f"cannot write the ladder {folder} ({reason(error)}): choose another folder") from error
    return Ladder.load(folder)


def store_scores(ladder: Ladder, condition: str, scores: Mapping[int, float]) -> None:
    """Write the levels' SI-SDR improvement under a condition into the ladder's index.

    Args:
        ladder: as loaded; it does not change.
        condition: name of the test condition, such as ``clean``.
        scores: dB by level.
    """
    index = ladder.folder / INDEX
    data = parse_json(read_limited(index, LARGEST_INDEX, "copy the ladder again"), index)
    for entry in data["levels"]:
        if entry["level"] in scores:
            entry["si_sdri"] = {**(entry["si_sdri"] or {}), condition: round(scores[entry["level"]], 2)}
    try:
        write_whole(index, _dump(data))
    except OSError as error:
        raise UserError(f"cannot write {index} ({reason(error)}): store scores in a ladder of your own") from error


def _complete(settings: Mapping[str, Any], module: CausalSeparator) -> dict[str, Any]:
    """Settings with those that the index repeats, where the family's default is not that of most families."""
    found = {name: getattr(module, name) for name in SHARED}
    return dict(settings) | {
        name: value for name, value in found.items() if name not in settings and value != SHARED[name]
    }


def _dump(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, indent=2, allow_nan=False) + "\n").encode()
