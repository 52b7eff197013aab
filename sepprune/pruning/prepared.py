"""Preparing a module: finding its channel groups, for analysis and for pruning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ..checked import shown
from ..errors import UserError
from .accounts import accounted
from .batches import Batch, call_of
from .calculated import copied
from .checks import check_module, check_number, check_tensors, check_whole, instance_of_module
from .cost import Analysis, analysis_of
from .graph.call import Call
from .graph.follow import kept_outputs
from .graph.trace import label_of, owner_of
from .objective import freeze
from .precision import half_type, in_32_bits, raised
from .proof import prove
from .structure import Structure, discover, is_named

#: names of layers in an error message
_SHOWN = 5


@dataclass(frozen=True)
class Prepared:
    """A module whose channel groups are known. It can be pruned several times, with other budgets and methods.

    Attributes:
        module: as given; pruned models are made from it.
        structure: channel groups of a frozen copy.
        inputs: all tensors of the example on which costs are counted.
    """

    module: nn.Module
    structure: Structure
    inputs: tuple[Tensor, ...]


def analyze(
    module: nn.Module,
    example_input: Any = None,
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    keep_outputs: int | str | Sequence[int | str] | None = None,
    sample_rate: int | None = None,
    time_dim: int = -1,
    seconds: float | None = None,
    like_ptflops: bool = False,
    include: str | nn.Module | Sequence[str | nn.Module] = (),
    exclude: str | nn.Module | Sequence[str | nn.Module] = (),
) -> Analysis:
    """Count a module's parameters and multiply-adds, and find the channels that can be pruned.

    Args:
        module: any module that ``torch.export`` can follow; it is not changed.
        example_input: the input, or a tuple of positional inputs. Causal separators need none.
        example_kwargs: inputs by name.
        keep_outputs: see :func:`prepare`.
        sample_rate: steps of the example's time dimension in a second: samples, or frames of a spectrogram. ``None``
            takes the module's own ``sample_rate`` where it has one, else 16000.
        time_dim: which dimension of the first tensor is time.
        seconds: length of the example, instead of ``sample_rate`` and ``time_dim``.
        like_ptflops: count the MACs of modules and groups as :mod:`~sepprune.pruning.ptflops` does.
        include: where given, only groups with one of these layers: names, patterns of names (``network.*``), or
            modules. A module that contains others stands for all of them.
        exclude: no group with one of these layers.

    Raises:
        UserError: the module does not run on the example, or cannot be exported.
    """
    prepared = prepare(
        module,
        example_input,
        example_kwargs=example_kwargs,
        keep_outputs=keep_outputs,
        include=include,
        exclude=exclude,
    )
    length = length_of(prepared, sample_rate, seconds, time_dim)
    return analysis_of(prepared.structure, length, like_ptflops)


def own_rate(module: nn.Module) -> int | None:
    """The sample rate in hertz that a module names as its ``sample_rate``; ``None`` where it names none."""
    rate = getattr(module, "sample_rate", None)
    return int(rate) if isinstance(rate, (int, float)) and rate > 1 else None  # True is a number, too


def length_of(prepared: Prepared, sample_rate: int | None, seconds: float | None, time_dim: int = -1) -> float:
    """Length of an example in seconds.

    Args:
        prepared: the module and the example's tensors.
        sample_rate: steps of time in a second; ``None`` for the module's own, 16000 where it names none.
        seconds: its length, if the caller knows it.
        time_dim: the dimension of the first tensor that is time where ``seconds`` is not given.

    Raises:
        UserError: the length is not above 0, or there is no such dimension.
    """
    first = prepared.inputs[0]
    rate = (own_rate(prepared.module) or 16_000) if sample_rate is None else sample_rate
    check_number("sample_rate", rate, 0, above=True)
    if seconds is not None:
        check_number("seconds, the length of the example,", seconds, 0, above=True)
    check_whole("time_dim", time_dim)
    if seconds is None and not -first.dim() <= time_dim < first.dim():
        raise UserError(
            f"time_dim is {time_dim}, but the first input has shape {tuple(first.shape)}: give the dimension of it "
            "that is time, or the length of the example as seconds="
        )
    return first.shape[time_dim] / rate if seconds is None else float(seconds)


def prepare(
    module: nn.Module,
    example_input: Any = None,
    *,
    example_kwargs: Mapping[str, Any] | None = None,
    keep_outputs: int | str | Sequence[int | str] | None = None,
    batch: Batch | None = None,
    include: str | nn.Module | Sequence[str | nn.Module] = (),
    exclude: str | nn.Module | Sequence[str | nn.Module] = (),
) -> Prepared:
    """Find the channel groups of a module that is pruned several times.

    Args:
        module: any module that ``torch.export`` can follow; it is not changed. One in 16 bits is followed, and its cuts
            are proven, in 32 bits.
        example_input: the input, or a tuple of positional inputs. Causal separators need none.
        example_kwargs: inputs by name.
        keep_outputs: positions of the outputs whose shapes are kept, or their keys where the module returns a
            dictionary. Other outputs, such as states that the module starts itself, may lose channels. Without it all
            shapes are kept, except those of the states of this project's causal separators.
        batch: a batch in the shape of the data on which masks will be learned.
        include: where given, only groups with one of these layers: names, patterns of names (``network.*``), or
            modules. A module that contains others stands for all of them.
        exclude: no group with one of these layers.

    Raises:
        UserError: the module does not run on the example, or cannot be exported.
    """
    check_module(module)
    call = Call.of(_inputs(module, example_input, example_kwargs), example_kwargs).each(raised)
    check_tensors(call.tensors, "the tensors of the example", "give an input with real values")
    if not call.tensors[0].numel():
        shape = tuple(call.tensors[0].shape)
        raise UserError(f"the example has shape {shape}, without values: give a longer one, or a larger batch")
    keep_outputs = [keep_outputs] if isinstance(keep_outputs, (int, str)) else keep_outputs
    examples = [call]
    if batch is not None:
        second = call_of(batch, call, call.tensors[0].dim(), call.tensors[0].device).each(raised)
        examples += [] if second.key == call.key else [second]
    include, exclude = patterns_of(module, include), patterns_of(module, exclude)
    _check_patterns(module, "include", unmatched(module, include, with_parameters=True))
    _check_patterns(module, "exclude", unmatched(module, exclude))
    half = half_type(module)
    try:
        offered = discover(in_32_bits(freeze(copied(module))), examples, include, exclude, keep_outputs)
    except UserError as error:
        if half is None:
            raise
        raise UserError(
            f"{type(module).__name__} has numbers of 16 bits ({half}), and its channels are followed in 32 bits, which "
            f"failed: {error}; if forward converts to 16 bits itself, give the module without these conversions, as "
            "module.float()"
        ) from error
    _check_outputs(module, offered, keep_outputs)
    return Prepared(module, accounted(offered, prove(offered), bool(include or exclude)), call.tensors)


def patterns_of(module: nn.Module, layers: str | nn.Module | Sequence[str | nn.Module]) -> list[str]:
    """Patterns for the names of layers, which are given by patterns or as parts of the module.

    Raises:
        UserError: one of them is neither, or not a part of the module.
    """
    module = instance_of_module(module)
    patterns: list[str] = []
    for layer in [layers] if isinstance(layers, (str, nn.Module)) or not isinstance(layers, Iterable) else layers:
        if isinstance(layer, str):
            patterns.append(layer)
            continue
        if not isinstance(layer, nn.Module):
            raise UserError(
                f"{shown(layer)} is {type(layer).__name__}, expected the name of a layer, a pattern of names, or a "
                f"layer of {type(module).__name__} itself"
            )
        names = [name for name, part in module.named_modules() if part is layer]
        if not names:
            raise UserError(
                f"{type(layer).__name__} is not a part of {type(module).__name__}: include and exclude take names of "
                "layers, patterns of names, and layers of the module itself"
            )
        patterns += [name or "*" for name in names]
    return patterns


def _check_outputs(module: nn.Module, offered: Structure, keep_outputs: Sequence[int | str] | None) -> None:
    """Refuse outputs that the module does not have."""
    keys = list(dict.fromkeys(offered.flows[0].trace.outputs))
    unknown = [key for key in keep_outputs or () if key not in keys]
    if unknown or keep_outputs is not None and not kept_outputs(offered.flows[0], module):
        raise UserError(
            f"keep_outputs is {list(keep_outputs or ())}, but {type(module).__name__} returns the outputs {keys}: name "
            "at least one of them"
        )


def unmatched(module: nn.Module, patterns: Sequence[str], with_parameters: bool = False) -> list[str]:
    """Those of the patterns that match no part or parameter of the module, or no part that has parameters."""
    names = [name for name, part in module.named_modules(remove_duplicate=False) if not with_parameters or _owns(part)]
    names += [label_of(name) for name, _ in module.named_parameters() if not owner_of(name)]
    return [pattern for pattern in patterns if not any(is_named(name, pattern) for name in names)]


def _check_patterns(module: nn.Module, option: str, wrong: Sequence[str]) -> None:
    """Refuse patterns that match no layer."""
    if not wrong:
        return
    names = [name for name, part in module.named_modules() if name and _owns(part)]
    some = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
    example = f" or a pattern such as {names[0].partition('.')[0]}*" if names else ""
    raise UserError(
        f"no layer of {type(module).__name__} matches {option} {' '.join(wrong)}: its layers are {some}; "
        f"give a name of them{example}"
    )


def _owns(part: nn.Module) -> bool:
    return any(True for _ in part.parameters(False))


def _inputs(module: nn.Module, example_input: Any, example_kwargs: Mapping[str, Any] | None) -> tuple[Any, ...]:
    """Positional inputs of the example; for a causal separator without one, about a second of noise."""
    if isinstance(example_input, tuple):
        return example_input
    if example_input is not None:
        return (example_input,)
    if example_kwargs:
        return ()
    hop, rate, segment = (getattr(module, name, None) for name in ("hop", "sample_rate", "segment"))
    if not isinstance(hop, int) or not isinstance(rate, int):
        raise UserError(f"{type(module).__name__} needs an example_input: a tensor or a tuple of its inputs")
    # whole segments, so that what runs once per segment is counted at its true rate
    frames = 2 * segment if isinstance(segment, int) and segment else rate // hop
    generator = torch.Generator().manual_seed(0)
    return (0.1 * torch.randn(1, frames * hop, generator=generator).to(next(module.parameters()).device),)
