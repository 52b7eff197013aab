"""``MODEL`` on the command line: a built-in separator with settings, a folder, or a factory in a Python file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from . import files
from .errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn


def load_named(text: str) -> nn.Module:
    """Build the module that ``MODEL`` names.

    Args:
        text: ``skim``, ``skim:hidden=128,blocks=2`` (several numbers joined by ``/``), ``FILE.py:FACTORY``, or a folder
            that ``sepprune import`` or ``sepprune ladder`` wrote, whose dense level with its weights it is.

    Raises:
        UserError: there is no such separator, setting, file or factory, or it returns no module.
    """
    if text.endswith(".py"):
        raise UserError(f"{text} names no factory: write {text}:FACTORY, a function that returns a torch.nn.Module")
    name, _, rest = text.rpartition(":") if ".py:" in text else text.partition(":")
    if name.endswith(".py"):
        return _from_file(Path(name), rest)
    if is_folder(text):
        from .streaming import Ladder

        return Ladder.load(text).build(0)
    from .separators import build_separator

    settings = dict(_setting(word, text) for word in rest.split(",") if word)
    try:
        return build_separator(name, **settings)
    except (TypeError, ValueError) as error:
        raise UserError(str(error)) from error
    except (RuntimeError, ArithmeticError) as error:  # torch's own errors for impossible sizes
        raise UserError(f"{text} cannot be built: {str(error).splitlines()[0]}") from error


def is_folder(text: str) -> bool:
    """Whether ``MODEL`` names a folder. A built-in name stays one, whatever folders there are."""
    from .separators import separator_names

    return text.partition(":")[0] not in separator_names() and files.is_folder(Path(text))


def has_weights(text: str) -> bool:
    """Whether ``MODEL`` comes with weights of its own."""
    return ".py:" in text or is_folder(text)


def rate_of(module: nn.Module, sample_rate: int | None) -> int:
    """The sample rate at which a module works, in hertz.

    Args:
        module: a causal separator of this program knows its own; another module may name one as ``sample_rate``.
        sample_rate: that the user gave, ``None`` where there is none.

    Raises:
        UserError: a causal separator of this program works at another one than the user gave.
    """
    from .pruning.prepared import own_rate
    from .separators import CausalSeparator

    own = own_rate(module)
    if isinstance(module, CausalSeparator) and sample_rate not in (None, own):
        raise UserError(f"--sample-rate is {sample_rate}, the separator works at {own} Hz: leave the option out")
    return sample_rate or own or 16_000


def example_for(module: nn.Module, sample_rate: int) -> Tensor | None:
    """One second of noise in the shape that the module takes; ``None`` for a causal separator, which needs no example.

    Raises:
        UserError: it takes neither ``(batch, samples)`` nor ``(batch, 1, samples)``.
    """
    import torch

    from .separators import CausalSeparator

    if isinstance(module, CausalSeparator):
        return None
    # two rows tell the shapes apart: a convolution takes (1, samples) for one signal of one channel, without a batch
    noise = 0.1 * torch.randn(2, sample_rate, generator=torch.Generator().manual_seed(0))
    failures = []
    for example in (noise, noise.unsqueeze(1)):
        try:
            with torch.no_grad():
                module.eval()(example)
            return example[:1]
        except Exception as error:  # a module of any library may raise anything
            failures.append((str(error) or type(error).__name__).splitlines()[0])
    raise UserError(
        f"{type(module).__name__} takes neither (batch, samples) [{failures[0]}] nor (batch, 1, samples) "
        f"[{failures[1]}] with {sample_rate} samples: wrap it in a module that does"
    )


def _setting(word: str, text: str) -> tuple[str, int | float | str | list[int]]:
    """A setting ``NAME=NUMBER``, ``NAME=NUMBER/NUMBER`` or ``NAME=WORD`` of a model."""
    key, equals, value = word.partition("=")
    if equals and value.isidentifier():
        return key, value
    try:
        numbers = [int(part) for part in value.split("/")]
    except ValueError:
        numbers = []
    if not equals or not numbers:
        raise UserError(
            f"the setting {word!r} of {text} is not NAME=NUMBER or NAME=NUMBER/NUMBER/…: "
            "write for example skim:hidden=128,blocks=2"
        )
    return key, numbers[0] if len(numbers) == 1 else numbers


def _from_file(path: Path, factory: str) -> nn.Module:
    """The module that a factory function in a Python file returns."""
    from torch import nn

    if not path.is_file():
        raise UserError(f"there is no file {path}: MODEL is a built-in name or FILE.py:FACTORY")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file")
    python = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, python)
    sys.path.insert(0, str(path.parent.resolve()))  # so that the file finds its neighbours
    try:
        spec.loader.exec_module(python)
        make = getattr(python, factory, None)
        if not callable(make):
            raise UserError(f"{path} has no function {factory!r}")
        module = make()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{path}:{factory} fails: {type(error).__name__}: {error}") from error
    finally:
        sys.path.remove(str(path.parent.resolve()))
    if not isinstance(module, nn.Module):
        raise UserError(f"{path}:{factory} returns {type(module).__name__}, expected a torch.nn.Module")
    return module
