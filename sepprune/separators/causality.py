"""How far a separator looks ahead, by measurement: its input is changed after some time, and its output compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .calling import delay_of, sources_of

#: changes begin at these samples after the middle, where no hop is known: one of them ends a frame of most hops
_OFFSETS = (0, 1, 3, 7, 15, 31, 63, 127)
#: axes shorter than this are not time
_SHORTEST = 8
#: layers in a report
_MOST = 5


@dataclass(frozen=True)
class LayerAhead:
    """A layer whose output changes earlier than its input.

    Attributes:
        name, kind: of the layer.
        ms: how much earlier; ``None`` where its output changes from the start, or it is a recurrent layer that runs
            backwards.
    """

    name: str
    kind: str
    ms: float | None


@dataclass(frozen=True)
class LookAhead:
    """How far a separator looks ahead.

    Attributes:
        samples: after its own that a sample of the output was seen to depend on; the output's :attr:`delay
            <sepprune.separators.CausalSeparator.delay>` is taken off first.
        ms: the same in milliseconds.
        limited: whether the start of the output stayed as it was, and no layer looks ahead without limit; otherwise the
            separator needs the whole recording, or more of it than the example has.
        layers: those that look ahead, the farthest first.
    """

    samples: int
    ms: float
    limited: bool
    layers: tuple[LayerAhead, ...]


def look_ahead(separator: nn.Module, example: Tensor, sample_rate: int) -> LookAhead:
    """Measure how far a separator looks ahead.

    The input is changed from a sample on, in the middle of the example, and the first sample of the output that
    changes is found. A layer is named where its output changes earlier than its input; what a module calculates
    between its layers has no name.

    Args:
        separator: a causal one of this program, or any module that returns sources of a batch of mixtures.
        example: input of some tenths of a second or more; sound, since layers may ignore silence.
        sample_rate: in hertz.

    Shape:
        - example: ``(1, samples)`` or ``(1, 1, samples)``
        - sources: time in the last dimension, as many samples as the example or nearly

    Raises:
        ValueError: the output does not have the time of the input.
    """
    samples, delay, hop = example.shape[-1], delay_of(separator), getattr(separator, "hop", None)
    known = isinstance(hop, int) and 0 < hop < samples // 4
    step, offsets = (hop, (0, hop - 1)) if known and isinstance(hop, int) else (128, _OFFSETS)
    starts = [samples // 2 // step * step + offset for offset in offsets]
    batch = torch.cat([example, *(_changed(example, start) for start in starts)])
    found: dict[str, LayerAhead] = {}

    def compare(name: str, layer: nn.Module, inputs: Any, output: Any) -> None:
        heard, given = (_change(layer, value, len(batch)) for value in (inputs[0] if inputs else None, output))
        if heard is not None and given is not None and name not in found:
            ahead = _steps_ahead(layer, heard, given)
            if ahead > 1:  # a step more or less at the edges of a layer is no look-ahead
                # how far a recurrent layer looks ahead in practice depends on its weights, in principle on nothing
                endless = given[0] == 0 or getattr(layer, "bidirectional", False)
                ms = None if endless else 1000 * samples / sample_rate * ahead / given[1]
                found[name] = LayerAhead(name, type(layer).__name__, ms)

    with torch.no_grad(), _watching(separator.eval(), compare):
        output = sources_of(separator, batch, 0)
    if output.dim() < 2 or len(output) != len(batch) or abs(output.shape[-1] - samples) > samples // 4:
        raise ValueError(f"its output {tuple(output.shape)} does not have the samples of its input")
    firsts = [_first(output[0] != changed) for changed in output[1:]]
    ahead = max(0, *(start - (first - delay) for start, first in zip(starts, firsts, strict=True)))
    ranked = sorted(found.values(), key=lambda layer: -math.inf if layer.ms is None else -layer.ms)
    limited = min(firsts) > delay and all(layer.ms is not None for layer in ranked)
    return LookAhead(ahead, 1000 * ahead / sample_rate, limited, tuple(ranked[:_MOST]))


def _changed(example: Tensor, start: int) -> Tensor:
    """The example with other, louder sound from a sample on."""
    other = torch.randn(example.shape, generator=torch.Generator().manual_seed(1)).to(example)
    changed = example.clone()
    changed[..., start:] = 0.3 * other[..., start:]
    return changed


def _first(differs: Tensor) -> int:
    """The first index of the last dimension with a difference; the length where there is none."""
    along = differs.flatten(0, -2).any(0)
    return int(along.int().argmax()) if bool(along.any()) else len(along)


def _change(layer: nn.Module, value: Any, batch: int) -> tuple[int, int] | None:
    """Where the first two mixtures of a batch begin to differ, and the length of the axis along which they do.

    Time is the axis along which the difference begins last. ``None`` where they do not differ, or have no time.
    """
    value = value[0] if isinstance(value, (tuple, list)) and value else value
    axis = 1 if isinstance(layer, nn.RNNBase) and not layer.batch_first else 0
    if not isinstance(value, Tensor) or value.dim() < 2 or value.shape[axis] % batch:
        return None
    first, second, *_ = value.chunk(batch, dim=axis)
    differs = first != second
    found = [(_first(differs.movedim(axis, -1)), size) for axis, size in enumerate(differs.shape) if size >= _SHORTEST]
    found = [(start, size) for start, size in found if start < size]
    return max(found, key=lambda change: change[0] / change[1], default=None)


def _steps_ahead(layer: nn.Module, heard: tuple[int, int], given: tuple[int, int]) -> float:
    """Steps of a layer's output by which it changes before its input.

    The steps are counted from the start and from the end, and the smaller number is right: a layer may read a past
    that was put in front of its input, or add steps that are cut off later.
    """
    steps = getattr(layer, "stride", getattr(layer, "hop", None))
    steps = steps[-1] if isinstance(steps, tuple) else steps
    if not isinstance(steps, int) or steps < 1:
        steps = max(1, round(max(heard[1], given[1]) / min(heard[1], given[1])))
    stride = 1 / steps if given[1] > heard[1] + heard[1] // 2 else steps
    from_start = heard[0] / stride - given[0]
    from_end = (given[1] - given[0]) - (heard[1] - heard[0]) / stride
    return min(from_start, from_end)


@contextmanager
def _watching(module: nn.Module, watch: Callable[..., None]) -> Iterator[None]:
    """Calls ``watch`` with the name of every layer without parts, the layer, its inputs and its output."""
    handles = [
        part.register_forward_hook(lambda layer, inputs, output, name=name: watch(name, layer, inputs, output))
        for name, part in module.named_modules()
        if name and not any(part.children())
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
