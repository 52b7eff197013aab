"""Loading weight files: of training runs, of pruned models and of ladders alike."""

from __future__ import annotations

import os
from collections.abc import Collection

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from ..errors import UserError
from ..files import reason
from ..rounding import widened


def load_weights(module: nn.Module, path: str | os.PathLike[str]) -> None:
    """Load a safetensors file into a module: every tensor of the module, and nothing else.

    Rounded weights of a ladder (see :mod:`sepprune.rounding`) are widened. A tensor that the module uses under several
    names may be stored under one of them, as :func:`safetensors.torch.save_model` does.

    Args:
        module: its weights are replaced in place.
        path: the file.

    Raises:
        UserError: the file cannot be read, its tensors do not fit the module, or a weight is infinite or NaN.
    """
    try:
        state = widened(load_file(path))
    except FileNotFoundError as error:
        raise UserError(f"cannot read the weights {path}: there is no such file; check the path") from error
    except (OSError, SafetensorError) as error:
        raise UserError(f"cannot read the weights {path}: {reason(error)}; expected a safetensors file") from error
    try:
        missing, unknown = module.load_state_dict(state, strict=False)
    except RuntimeError as error:  # shapes differ; the last line of the message names one tensor
        detail = str(error).strip().splitlines()[-1].strip()
        raise UserError(_misfit(module, path, detail)) from error
    tensors = module.state_dict(keep_vars=True)  # the same object under every name of a shared tensor
    loaded = {id(tensors[name]) for name in state if name in tensors}
    absent = [name for name in missing if id(tensors[name]) not in loaded]
    if absent:
        raise UserError(_misfit(module, path, f"the file lacks {_listed(absent)}"))
    if unknown:
        raise UserError(_misfit(module, path, f"the module has no {_listed(unknown)}"))
    # buffers may be infinite, such as the masks of attention
    if broken := [name for name, weight in module.named_parameters() if not weight.isfinite().all()]:
        raise UserError(
            f"the weights {path} have numbers in {_listed(broken)} that are infinite or NaN, and the output would be "
            "too: give weights of a run whose loss stayed finite"
        )


def _misfit(module: nn.Module, path: str | os.PathLike[str], reason: str) -> str:
    return (
        f"the weights {path} do not fit {type(module).__name__}: {reason}; "
        "give the settings and the pruning plan that the weights were saved with"
    )


def _listed(names: Collection[str]) -> str:
    first, *others = sorted(names)
    return f"{first} and {len(others)} more" if others else first
