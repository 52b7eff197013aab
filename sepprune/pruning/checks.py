"""Checks of what a user gives: modules that cannot be pruned, and exports that fail, each as one sentence."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..checked import shown
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
            f"{shown(module)} is {type(module).__name__}, expected a torch.nn.Module: build the separator first, for "
            "example with sepprune.separators.build_separator(name)"
        )
    name = type(module).__name__
    if any(isinstance(part, torch.jit.ScriptModule) for part in module.modules()):
        raise UserError(f"{name} is or contains a scripted module: give the module that was scripted")
    if any(hasattr(part, "_orig_mod") for part in module.modules()):
        raise UserError(f"{name} is or contains a compiled module: give the module that was compiled, its _orig_mod")
    for tensor, value in [*module.named_parameters(), *module.named_buffers()]:
        _check_values(name, tensor, value)


def _check_values(module: str, name: str, value: Tensor) -> None:
    if is_lazy(value):
        raise UserError(f"{name} of {module} is lazy and has no shape yet: call the module once on an example first")
    if value.is_meta:
        raise UserError(f"{name} of {module} is on the device meta and has no values: load its weights first")
    # buffers may be infinite, as masks of attention are
    if isinstance(value, nn.Parameter) and has_fractions(value) and not bool(torch.isfinite(value).all()):
        raise UserError(f"{name} of {module} has values that are not finite: load weights that are")


def check_tensors(tensors: Sequence[Tensor], what: str, way_out: str) -> None:
    """Refuse tensors that show nothing about a module.

    Args:
        tensors: inputs or outputs.
        what: how a message calls them.
        way_out: what to do.

    Raises:
        UserError: there is none, or it has no values, or some are NaN.
    """
    if not tensors:
        raise UserError(f"{what} have no tensor: {way_out}")
    if any(tensor.is_meta for tensor in tensors):
        raise UserError(f"{what} are on the device meta and have no values: {way_out}")
    if any(bool(tensor.isnan().any()) for tensor in tensors if has_fractions(tensor)):
        raise UserError(f"{what} have values that are not a number (NaN): {way_out}")


def has_fractions(tensor: Tensor) -> bool:
    """Whether values of the tensor can be NaN or infinite."""
    return tensor.is_floating_point() or tensor.is_complex()


def export_failure(module: nn.Module, error: BaseException) -> UserError:
    """The sentence for a module that ``torch.export`` cannot follow, with the user's line and a way out."""
    frame = _frame(error)
    place = "" if frame is None else f" at {frame.filename}:{frame.lineno} ({frame.line})"
    line = "" if frame is None or frame.line is None else frame.line
    why = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    way_out = "its forward must consist of tensor operations: move everything else out of forward"
    if "data-dependent" in why.lower() or "DataDependent" in type(error).__name__:
        why = "what happens there depends on values of a tensor"
        way_out = "its forward must not branch on values of tensors: use torch.where, or an attribute instead"
        if line.startswith("assert"):
            way_out = "remove the assert, or check the values outside of forward"
    elif isinstance(error, AssertionError):
        why = f"an assert fails while shapes are traced ({why})" if str(error) else "an assert fails"
        way_out = "give an example_input that passes it, or remove the assert"
    return UserError(f"torch.export cannot follow {type(module).__name__}{place}: {why}; {way_out}")


def _frame(error: BaseException) -> traceback.FrameSummary | None:
    """The innermost line of the traceback that is neither torch's nor this package's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    return frames[-1] if frames else None


def _is_users(filename: str) -> bool:
    path = Path(filename)
    return path.is_file() and _LIBRARY not in path.parents and _OWN not in path.parents
