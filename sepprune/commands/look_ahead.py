"""How far a separator looks ahead, in words and as keys of a report."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..printing import counted

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..separators.causality import LookAhead


def measured(module: nn.Module, example: Tensor | None, sample_rate: int) -> LookAhead | str:
    """The measurement, or why there is none.

    Args:
        module: any separator.
        example: its input; ``None`` for a causal separator of this program.
        sample_rate: in hertz.
    """
    import torch

    from ..separators.causality import look_ahead

    if example is None:
        hop = module.hop if isinstance(module.hop, int) else 1
        noise = torch.randn(1, max(8, sample_rate // hop) * hop, generator=torch.Generator().manual_seed(0))
        example = 0.1 * noise
    try:
        return look_ahead(module, example, sample_rate)
    except Exception as error:  # a module of any library may refuse a batch of several mixtures
        return (str(error) or type(error).__name__).splitlines()[0]


def as_report(ahead: LookAhead | str) -> dict[str, Any]:
    """Keys of a JSON report; ``None`` where there is no measurement."""
    if isinstance(ahead, str):
        return dict.fromkeys(("look_ahead_samples", "look_ahead_ms", "look_ahead_limited", "look_ahead_layers"))
    return {
        "look_ahead_samples": ahead.samples,
        "look_ahead_ms": ahead.ms,
        "look_ahead_limited": ahead.limited,
        "look_ahead_layers": [asdict(layer) for layer in ahead.layers],
    }


def described(ahead: LookAhead | str) -> str:
    """A sentence for people."""
    if isinstance(ahead, str):
        return f"How far it looks ahead could not be measured: {ahead}"
    if ahead.limited:
        samples = counted(ahead.samples, "sample")
        text = f"Looks ahead {ahead.ms:.2f} ms: an output sample depends on {samples} after its own."
    else:
        text = "Cannot stream: every output sample depends on the whole recording, or on more than half a second of it."
    named = [f"{each.name} ({each.kind}, {_reach(each.ms)})" for each in ahead.layers]
    return f"{text} Layers that look ahead: {', '.join(named)}." if named else text


def _reach(ms: float | None) -> str:
    return "all of it" if ms is None else f"{ms:.1f} ms"
