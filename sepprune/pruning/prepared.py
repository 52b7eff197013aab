"""Preparing a module: finding its channel groups, for analysis and for pruning."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from .accounts import accounted
from .calculated import copied
from .checks import check_module
from .cost import Analysis, analysis_of
from .objective import Batch, freeze
from .proof import prove
from .structure import Structure, discover

#: names of layers in an error message
_SHOWN = 5


@dataclass(frozen=True)
class Prepared:
    """A module whose channel groups are known. It can be pruned several times, with other budgets and methods.

    Attributes:
        module: as given; pruned models are made from it.
        structure: channel groups of a frozen copy.
        inputs: the example on which costs are counted.
    """

    module: nn.Module
    structure: Structure
    inputs: tuple[Any, ...]


def analyze(
    module: nn.Module,
    example_input: Any = None,
    *,
    sample_rate: int = 16_000,
    seconds: float | None = None,
    like_ptflops: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Analysis:
    """Count a module's parameters and multiply-adds, and find the channels that can be pruned.

    Args:
        module: any module that ``torch.export`` can follow; it is not changed.
        example_input: a tensor, or a tuple of inputs. Causal separators need none.
        sample_rate: of the example, in hertz; its last dimension is time.
        seconds: length of the example, where its last dimension is not samples of time, such as a spectrogram.
        like_ptflops: count the MACs of modules and groups as :mod:`~sepprune.pruning.ptflops` does.
        include: where given, only groups with a layer whose name matches one of these patterns (``network.*``).
        exclude: no group with a layer whose name matches one of these patterns.

    Raises:
        UserError: the module does not run on the example, or cannot be exported.
    """
    prepared = prepare(module, example_input, include=include, exclude=exclude)
    return analysis_of(prepared.structure, length_of(prepared.inputs, sample_rate, seconds), like_ptflops)


def length_of(inputs: tuple[Any, ...], sample_rate: int, seconds: float | None) -> float:
    """Length of an example in seconds.

    Args:
        inputs: the example; the last dimension of its first input is time where ``seconds`` is not given.
        sample_rate: in hertz.
        seconds: its length, if the caller knows it.

    Raises:
        UserError: the length is not above 0.
    """
    length: float = inputs[0].shape[-1] / sample_rate if seconds is None else seconds
    if length <= 0:
        raise UserError(f"the example is {length:g} s long: give a longer one, or its length as seconds= above 0")
    return length


def prepare(
    module: nn.Module,
    example_input: Any = None,
    *,
    batch: Batch | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Prepared:
    """Find the channel groups of a module that is pruned several times.

    Args:
        module: any module that ``torch.export`` can follow; it is not changed.
        example_input: a tensor, or a tuple of inputs. Causal separators need none.
        batch: a batch in the shape of the data on which masks will be learned.
        include: where given, only groups with a layer whose name matches one of these patterns (``network.*``).
        exclude: no group with a layer whose name matches one of these patterns.

    Raises:
        UserError: the module does not run on the example, or cannot be exported.
    """
    check_module(module)
    inputs = _inputs(module, example_input)
    examples = [inputs]
    if batch is not None:
        mixture = (batch[0] if isinstance(batch, (tuple, list)) else batch).to(inputs[0].device)
        mixture = mixture.unsqueeze(1) if mixture.dim() == inputs[0].dim() - 1 else mixture
        examples += [] if mixture.shape == inputs[0].shape else [(mixture,)]
    offered = discover(freeze(copied(module)), examples, include, exclude)
    _check_patterns(module, offered, include)
    return Prepared(module, accounted(offered, prove(offered), bool(include or exclude)), inputs)


def _check_patterns(module: nn.Module, offered: Structure, include: Sequence[str]) -> None:
    """Refuse patterns that leave no layer."""
    if not include or offered.groups:
        return
    names = [name for name, part in module.named_modules() if name and any(True for _ in part.parameters(False))]
    if any(fnmatch.fnmatchcase(name, pattern) for name in names for pattern in include):
        return  # its channels are blocked or excluded: the budget says so
    some = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    raise UserError(
        f"no layer of {type(module).__name__} matches include {' '.join(include)}: its layers are {some}; "
        f"give a name of them or a pattern such as {names[0].partition('.')[0]}*"
    )


def _inputs(module: nn.Module, example_input: Any) -> tuple[Any, ...]:
    """The example as a tuple; for a causal separator without one, about a second of noise."""
    if isinstance(example_input, tuple):
        return example_input
    if isinstance(example_input, Tensor):
        return (example_input,)
    hop, rate, segment = (getattr(module, name, None) for name in ("hop", "sample_rate", "segment"))
    if example_input is not None or not isinstance(hop, int) or not isinstance(rate, int):
        raise UserError(f"{type(module).__name__} needs an example_input: a tensor or a tuple of its inputs")
    # whole segments, so that what runs once per segment is counted at its true rate
    frames = 2 * segment if isinstance(segment, int) and segment else rate // hop
    generator = torch.Generator().manual_seed(0)
    return (0.1 * torch.randn(1, frames * hop, generator=generator).to(next(module.parameters()).device),)
