"""Pruning in rounds, with fine-tuning between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch import nn

from .batches import Batch, endless
from .checks import check_whole
from .pipeline import one_budget, prune
from .prepared import patterns_of, unmatched
from .result import PruneResult


def prune_in_rounds(
    module: nn.Module,
    example_input: Any = None,
    *,
    rounds: int = 5,
    macs: float | None = None,
    params: float | None = None,
    chunk_time: float | None = None,
    channels: float | Mapping[Any, float] | None = None,
    data: Iterable[Batch] | None = None,
    include: str | nn.Module | Sequence[str | nn.Module] = (),
    exclude: str | nn.Module | Sequence[str | nn.Module] = (),
    **options: Any,
) -> Iterator[PruneResult]:
    """Prune a separator in rounds. Train the model of each round before the next result is taken.

    Every round keeps the same share of what the round before kept, so that the last one meets the budget.

    >>> import torch
    >>> from sepprune.separators import build_separator
    >>> dense = build_separator("conv-tasnet", bottleneck=16, hidden=32, blocks=2)
    >>> for result in prune_in_rounds(dense, rounds=2, macs=0.5, method="l2"):
    ...     model = result.model  # fine-tune it here, in place
    >>> result.report["macs_after"] <= 0.5 * result.report["macs_before"]
    True

    Args:
        module: as for :func:`~sepprune.pruning.pipeline.prune`; it is not changed.
        example_input: as there.
        rounds: how many.
        macs, params, chunk_time, channels: the budget of the last round; exactly one of them.
        data: as there; batches continue from round to round.
        include, exclude: as there.
        **options: other arguments of :func:`~sepprune.pruning.pipeline.prune`. The shares of ``floor`` are of the
            channels at the start of a round.

    Yields:
        The result of every round. Plan and report are for the original module.

    Raises:
        UserError: as :func:`~sepprune.pruning.pipeline.prune`, or the number of rounds is below 1. What can be checked
            without the module's groups is refused by the call, before the first result is taken.
    """
    kind, share = one_budget(module, macs=macs, params=params, chunk_time=chunk_time, channels=channels)
    check_whole("rounds", rounds, 1)
    included, excluded = patterns_of(module, include), patterns_of(module, exclude)
    batches = None if data is None else endless(data)

    def pruned(model: nn.Module, budget: dict[str, Any], include: list[str], exclude: list[str]) -> PruneResult:
        return prune(model, example_input, data=batches, include=include, exclude=exclude, **budget, **options)

    return _rounds(module, rounds, kind, share, pruned, included, excluded)


def _rounds(
    module: nn.Module,
    rounds: int,
    kind: str,
    share: float | Mapping[str, float],
    pruned: Callable[[nn.Module, dict[str, Any], list[str], list[str]], PruneResult],
    included: list[str],
    excluded: list[str],
) -> Iterator[PruneResult]:
    """The results of the rounds, each made when it is taken."""
    result = None
    for number in range(1, rounds + 1):
        model = module if result is None else result.model
        if result is not None:  # layers that an earlier round has removed are not looked for again
            included, excluded = _present(model, included) or included, _present(model, excluded)
        step: dict[str, Any] = {kind: _step(result, kind, share, number, rounds)}
        result = _joined(result, pruned(model, step, included, excluded), number)
        yield result


def _present(model: nn.Module, patterns: list[str]) -> list[str]:
    """Those of the patterns that match a part of the model with parameters."""
    gone = unmatched(model, patterns, with_parameters=True)
    return [pattern for pattern in patterns if pattern not in gone]


def _step(
    before: PruneResult | None, kind: str, share: float | Mapping[str, float], number: int, rounds: int
) -> float | dict[str, float]:
    """The budget of a round, as a share of what the round before has left."""
    if isinstance(share, Mapping):
        return {pattern: float(value) ** (1 / rounds) for pattern, value in share.items()}
    wanted: float = float(share ** (number / rounds))
    if before is None:
        return wanted
    if kind == "channels":
        groups = before.report["groups"]
        left = sum(group["kept"] for group in groups) / sum(group["channels"] for group in groups)
    elif kind == "chunk_time":  # the report has no times
        left = float(share ** ((number - 1) / rounds))
    else:
        left = before.report[f"{kind}_after"] / before.report[f"{kind}_before"]
    return min(1.0, wanted / float(left))


def _joined(before: PruneResult | None, after: PruneResult, number: int) -> PruneResult:
    """The result of a round, as one for the original module."""
    if before is None:
        return PruneResult(after.model, after.plan, {**after.report, "round": number})
    plan = before.plan.then(after.plan)
    units = {group["id"]: group["unit"] for group in [*after.report["groups"], *before.report["groups"]]}
    report = {
        **after.report,
        "round": number,
        "budget": plan.budget,
        "params_before": before.report["params_before"],
        "macs_before": before.report["macs_before"],
        "removed": before.report["removed"] + after.report["removed"],
        "groups": [
            {"id": item.id, "channels": item.channels, "unit": units[item.id], "kept": len(item.keep)}
            for item in plan.groups
        ],
    }
    return PruneResult(after.model, plan, report)
