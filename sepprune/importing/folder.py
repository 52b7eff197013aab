"""From a checkpoint to a folder that every command takes as a model and as a ladder of one level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import UserError
from ..separators import CausalSeparator, build_separator
from .asteroid import read_asteroid
from .checkpoint import Imported
from .espnet import read_espnet
from .hub import downloaded, is_hub_name

#: kinds of checkpoints
KINDS = ("asteroid", "espnet")
_SUFFIXES = {"asteroid": (".bin", ".pth", ".pt"), "espnet": (".pth",)}


def import_checkpoint(
    kind: str, checkpoint: str, config: str | None = None, sample_rate: int | None = None
) -> tuple[CausalSeparator, Imported]:
    """Read a checkpoint of another program.

    Args:
        kind: one of :data:`KINDS`.
        checkpoint: a file, a folder with one, or a name on the Hugging Face hub.
        config: ESPnet's ``config.yaml``; ``None`` for the one beside the weights.
        sample_rate: in hertz; ``None`` takes that of the checkpoint.

    Returns:
        The separator in evaluation mode, and what it was built from.

    Raises:
        UserError: it cannot be read, is of another kind, or cannot stream.
    """
    path = Path(checkpoint)
    if not path.exists() and is_hub_name(checkpoint):
        path = downloaded(checkpoint)
    if not path.exists():
        raise UserError(
            f"there is no file or folder {checkpoint}: give a checkpoint, or the name of one on the Hugging Face hub "
            "(owner/name)"
        )
    file = _weights_file(path, kind) if path.is_dir() else path
    if kind == "asteroid":
        if config is not None:
            raise UserError(f"--config {config} is for ESPnet: a file of Asteroid has its configuration inside")
        found = read_asteroid(file, sample_rate)
    else:
        found = read_espnet(file, _config_file(file, path) if config is None else Path(config), sample_rate)
    found = replace(found, card={"imported from": f"{kind} {checkpoint}", **found.card})
    return _built(found, file), found


def _built(found: Imported, file: Path) -> CausalSeparator:
    try:
        separator = build_separator(found.family, **found.settings)
        separator.load_state_dict(dict(found.weights), strict=True)
    except (ValueError, RuntimeError) as error:
        detail = str(error).strip().splitlines()[-1].strip()
        raise UserError(
            f"the weights {file} do not fit their configuration ({detail}): give the configuration that was written "
            "beside them"
        ) from error
    assert isinstance(separator, CausalSeparator)
    return separator.eval()


def _weights_file(folder: Path, kind: str) -> Path:
    """The one file of weights in a folder."""
    found = sorted(path for suffix in _SUFFIXES[kind] for path in folder.rglob(f"*{suffix}"))
    if len(found) != 1:
        raise UserError(
            f"{folder} has {len(found)} files of weights ({_listed(found)}): give the file itself"
            if found
            else f"{folder} has no file of weights ({', '.join(_SUFFIXES[kind])}): give the file itself"
        )
    return found[0]


def _config_file(weights: Path, root: Path) -> Path:
    """The configuration beside the weights, or the only one in the folder that was given."""
    beside = weights.parent / "config.yaml"
    if beside.is_file():
        return beside
    found = sorted(root.rglob("config.yaml")) if root.is_dir() else []
    if len(found) != 1:
        raise UserError(f"there is no config.yaml beside {weights}: name it with --config")
    return found[0]


def _listed(paths: Sequence[Path]) -> str:
    names = [path.name for path in paths[:3]]
    return ", ".join(names) + (", …" if len(paths) > 3 else "")
