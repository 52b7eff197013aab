"""Checks of what a user gives: modules that cannot be pruned, and exports that fail, each as one sentence."""

from __future__ import annotations

import traceback
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..errors import UserError

_LIBRARY = Path(torch.__file__).parent
_OWN = Path(__file__).parent


def check_module(module: object) -> None:
    """Refuse what cannot be pruned.

    Raises:
        UserError: it is no module, or a scripted one, or its parameters have no usable values.
    """
    if not isinstance(module, nn.Module):
        raise UserError(
            f"{module!r} is {type(module).__name__}, expected a torch.nn.Module: build the separator first, for "
            "example with sepprune.separators.build_separator(name)"
        )
    name = type(module).__name__
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise UserError(f"{name} is or contains a scripted module: give the module that was scripted")
    for tensor, value in [*module.named_parameters(), *module.named_buffers()]:
        _check_values(name, tensor, value)


def _check_values(module: str, name: str, value: Tensor) -> None:
    if is_lazy(value):
        raise UserError(f"{name} of {module} is lazy and has no shape yet: call the module once on an example first")
    if value.is_meta:
        raise UserError(f"{name} of {module} is on the device meta and has no values: load its weights first")
    # buffers may be infinite, as masks of attention are
    if isinstance(value, nn.Parameter) and value.is_floating_point() and not bool(torch.isfinite(value).all()):
        raise UserError(f"{name} of {module} has values that are not finite: load weights that are")


def export_failure(module: nn.Module, error: BaseException) -> UserError:
    """The sentence for a module that ``torch.export`` cannot follow, with the user's line and a way out."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    return UserError(f"torch.export cannot follow {type(module).__name__}{_place(error)}: {first}; {_way_out(error)}")


def _place(error: BaseException) -> str:
    """The innermost line of the traceback that is neither torch's nor this package's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    return f" at {frames[-1].filename}:{frames[-1].lineno} ({frames[-1].line})" if frames else ""


def _is_users(filename: str) -> bool:
    path = Path(filename)
    return path.is_file() and _LIBRARY not in path.parents and _OWN not in path.parents


def _way_out(error: BaseException) -> str:
    if isinstance(error, AssertionError):
        return "an assert fails while shapes are traced: give an example_input that passes it, or remove the assert"
    if "data-dependent" in str(error).lower() or "DataDependent" in type(error).__name__:
        return "its forward must not branch on values of tensors: use torch.where, or an attribute instead of the value"
    return "its forward must consist of tensor operations: move everything else out of forward"
