"""Checks of what a user gives: modules that cannot be pruned, and exports that fail, each as one sentence."""

from __future__ import annotations

import math
import traceback
from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..checked import shown
from ..errors import UserError

_LIBRARY = Path(torch.__file__).parent
_OWN = Path(__file__).parent
#: of the whole numbers that a user gives: what an array of 64 bits can hold, with room to add
LARGEST_WHOLE = 2**53


def instance_of_module(module: object) -> nn.Module:
    """The module.

    Raises:
        UserError: it is something else, such as a name or a class.
    """
    if isinstance(module, nn.Module):
        return module
    if isinstance(module, type) and issubclass(module, nn.Module):
        raise UserError(
            f"{module.__name__} is a class, expected a torch.nn.Module: make one, as in {module.__name__}()"
        )
    raise UserError(
        f"{shown(module)} is {type(module).__name__}, expected a torch.nn.Module: build the separator first, for "
        "example with sepprune.separators.build_separator(name)"
    )


def check_module(module: object) -> None:
    """Refuse what cannot be pruned.

    Raises:
        UserError: it is no module, or a scripted one, or its parameters have no usable values.
    """
    module = instance_of_module(module)
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


def check_whole(name: str, value: object, least: int | None = None) -> None:
    """Refuse an argument that is no whole number, too small, or beyond :data:`LARGEST_WHOLE`.

    Args:
        name: of the argument.
        value: what was given.
        least: the smallest value that is possible, if there is one.

    Raises:
        UserError: it is one of these.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, Integral)
        or (least is not None and int(value) < least)
        or abs(int(value)) > LARGEST_WHOLE
    ):
        expected = "a whole number" if least is None else f"a whole number of at least {least}"
        expected += f", at most {LARGEST_WHOLE}" if isinstance(value, Integral) and int(value) > LARGEST_WHOLE else ""
        raise UserError(f"{name} is {shown(value)}: give {expected}")


def check_number(name: str, value: object, least: float, above: bool = False) -> None:
    """Refuse an argument that is no finite number, or too small.

    Args:
        name: of the argument.
        value: what was given.
        least: the smallest value that is possible.
        above: whether the value must be above that.

    Raises:
        UserError: it is one of these.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, Real)
        or not math.isfinite(value)
        or float(value) < least
        or (above and float(value) == least)
    ):
        raise UserError(f"{name} is {shown(value)}: give a number {'above' if above else 'of at least'} {least:g}")


class Untraceable(ValueError):
    """What a trace cannot follow.

    Args:
        why: for the sentence that users read.
        way_out: what they can do.
    """

    def __init__(self, why: str, way_out: str) -> None:
        super().__init__(why)
        self.way_out = way_out


def export_failure(module: nn.Module, error: BaseException) -> UserError:
    """The sentence for a module that ``torch.export`` cannot follow, with the user's line and a way out."""
    frame = _frame(error)
    place = "" if frame is None else f" at {frame.filename}:{frame.lineno} ({frame.line})"
    line = "" if frame is None or frame.line is None else frame.line
    why = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
    way_out = "its forward must consist of tensor operations: move everything else out of forward"
    if isinstance(error, Untraceable):
        way_out = error.way_out
    elif "data-dependent" in why.lower() or "DataDependent" in type(error).__name__:
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
