"""Pruning as a whole: find the groups, let a method choose channels, cut them, check the result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from numbers import Real
from typing import Any, TypeGuard

import numpy as np
from torch import nn

from ..checked import shown
from ..errors import UserError
from .accounts import without_channels
from .batches import Batch, endless
from .branches import with_branches
from .budget import DEFAULT_FLOOR, Budget, Floor, check_share
from .checks import check_whole
from .cost import Cost, channels_cost, macs_cost, params_cost
from .methods.learning import Learning
from .methods.protocol import Choice, Evidence, Method, Task
from .methods.registry import METHODS, WITHOUT_DATA, method_for
from .objective import Loss, Objective
from .plan import GroupPlan, PruningPlan
from .prepared import Prepared, analyze, length_of, patterns_of, prepare
from .ratios import COMPARISONS
from .result import PruneResult
from .structure import Structure
from .surgery import TOLERANCE, SurgeryError, difference, edits
from .timing import time_cost

__all__ = ["METHODS", "WITHOUT_DATA", "Prepared", "PruneResult", "analyze", "prepare", "prune"]


def prune(
    module: nn.Module | Prepared,
    example_input: Any = None,
    *,
    macs: float | None = None,
    params: float | None = None,
    chunk_time: float | None = None,
    channels: float | Mapping[Any, float] | None = None,
    threshold: float | None = None,
    method: str | Method = "sepprune",
    data: Iterable[Batch] | None = None,
    loss: Loss | str | None = None,
    steps: int = 500,
    seed: int = 0,
    example_kwargs: Mapping[str, Any] | None = None,
    keep_outputs: int | str | Sequence[int | str] | None = None,
    include: str | nn.Module | Sequence[str | nn.Module] = (),
    exclude: str | nn.Module | Sequence[str | nn.Module] = (),
    compare: str = "model",
    floor: Floor = DEFAULT_FLOOR,
    round_to: int = 1,
    sample_rate: int | None = None,
    time_dim: int = -1,
    seconds: float | None = None,
    learning: Learning | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> PruneResult:
    """Prune a separator to a budget.

    Args:
        module: any separator that ``torch.export`` can follow, which is not changed; or the result of
            :func:`prepare`, which got the example, ``keep_outputs``, ``include`` and ``exclude`` then.
        example_input: the input, or a tuple of positional inputs. Causal separators need none.
        macs, params, chunk_time: the budget as a share of the dense cost. Give exactly one of them, ``channels`` or
            ``threshold``.
        channels: the budget as a share of all channels; or shares by group, ``{"encoder": 0.75, "network.*": 0.5}``,
            of which the first pattern that matches the id of a group counts. Modules can be given instead of patterns.
            Groups that match none keep all. Where ``round_to`` or the floor change what a share asks for, the report's
            ``rounded`` says so.
        threshold: epsilon of the published method (0.7 there); it does not set the rate.
        method: a name of :data:`METHODS`, or an object with the attributes of
            :class:`~sepprune.pruning.methods.protocol.Method`.
        data: batches ``(inputs, references)``. Inputs are the mixture, ``(batch, samples)``; or a tuple of positional
            inputs; or a dictionary, which is the only input, or all inputs by name where there are ``example_kwargs``.
            References are ``(batch, sources, samples)``. Batches are repeated when they run out. Methods that only
            look at weights need none.
        loss: see :class:`~sepprune.pruning.objective.Objective`.
        steps: number of batches for learning masks.
        seed: of all random numbers.
        example_kwargs: inputs of the example by name.
        keep_outputs: see :func:`prepare`.
        include: where given, only groups with one of these layers: names, patterns of names (``network.*``), or
            modules. A module that contains others stands for all of them.
        exclude: no group with one of these layers.
        compare: whose scores decide what is cut: ``model``, all channels against each other; ``alike``, those of groups
            at the same place in repeated blocks; ``group``, those of one group, so that all groups keep the same share.
        floor: how many channels every group keeps at least, and whether whole residual branches may be removed.
        round_to: keep multiples of this many channels.
        sample_rate: steps of the example's time dimension in a second: samples, or frames of a spectrogram. ``None``
            takes the module's own ``sample_rate`` where it has one, else 16000.
        time_dim: which dimension of the first tensor is time.
        seconds: length of the example, instead of ``sample_rate`` and ``time_dim``.
        learning: details of mask learning; its ``steps`` are replaced by ``steps``.
        progress: called with the step and its loss.

    Raises:
        UserError: the input is wrong or the budget cannot be met.
        SurgeryError: the pruned model differs from the masked one; nothing is returned then.
    """
    root = module.module if isinstance(module, Prepared) else module
    kind, share = one_budget(
        root, macs=macs, params=params, chunk_time=chunk_time, channels=channels, threshold=threshold
    )
    for name, value, least in (("round_to", round_to, 1), ("steps", steps, 1), ("seed", seed, None)):
        check_whole(name, value, least)
    if not isinstance(floor, Floor):
        raise UserError(f"floor is {shown(floor)}: give a Floor, as in floor=Floor(channels=16)")
    chooser = method_for(method, threshold)
    if compare not in COMPARISONS:
        raise UserError(f"compare is {compare!r}: choose from {', '.join(COMPARISONS)}")
    first, batches = None, None
    if chooser.needs_data:
        if data is None:
            raise UserError(
                f"the method {chooser.name} needs data: give batches of (mixture, references), or choose a method "
                f"that looks at weights alone: {', '.join(WITHOUT_DATA)}"
            )
        stream = endless(data)
        first = next(stream)
        batches = chain([first], stream)
    prepared = (
        module
        if isinstance(module, Prepared)
        else prepare(
            module,
            example_input,
            example_kwargs=example_kwargs,
            keep_outputs=keep_outputs,
            batch=first,
            include=include,
            exclude=exclude,
        )
    )
    inputs, structure = prepared.inputs, prepared.structure
    if floor.whole_branches:
        structure = with_branches(structure)
    costs = _Costs(params_cost(structure), macs_cost(structure, length_of(prepared, sample_rate, seconds, time_dim)))
    budget = None
    if isinstance(share, Mapping):
        budget = Budget.by_layer(share, channels_cost(structure), structure, floor, round_to)
    elif kind != "threshold":
        budget = Budget.of(kind, share, costs.of(kind, structure), structure, floor, round_to)
    objective = None if batches is None else Objective(structure, loss, inputs[0].dim())
    task = Task(
        structure=structure,
        seed=int(seed),
        device=inputs[0].device,
        budget=budget,
        floor=floor,
        round_to=round_to,
        learning=replace(learning or Learning(), steps=steps),
        evidence=None
        if objective is None or batches is None
        else Evidence(loss=objective, masked=objective.masked, batches=batches),
        progress=progress or (lambda step, value: None),
        compare=compare,
    )
    asked = share if not isinstance(share, Mapping) else 1.0 if budget is None else budget.share
    return _surgery(prepared, task, costs, chooser.name, {kind: asked}, chooser.choose(task))


@dataclass(frozen=True)
class _Costs:
    """Costs of a module as functions of kept channels."""

    params: Cost
    macs: Cost

    def of(self, kind: str, structure: Structure) -> Cost:
        """The cost that a kind of budget limits."""
        if kind == "chunk_time":
            return time_cost(structure)
        return channels_cost(structure) if kind == "channels" else self.params if kind == "params" else self.macs


def one_budget(
    module: nn.Module, **budgets: float | Mapping[Any, float] | None
) -> tuple[str, float | Mapping[str, float]]:
    """The one budget that is given, by name: a number, or shares by patterns of names.

    Args:
        module: that is pruned; shares may be given for its parts.
        budgets: by name, ``None`` where one is not given.

    Raises:
        UserError: none or several are given, or one that is no number or no share.
    """
    given = [(kind, value) for kind, value in budgets.items() if value is not None]
    if len(given) != 1:
        raise UserError(f"{len(given)} budgets are given: give exactly one of {', '.join(budgets)}")
    kind, share = given[0]
    if kind == "channels" and isinstance(share, Mapping):
        if not share:
            raise UserError('channels has no shares: give one for some groups, as in {"encoder": 0.75, "*": 0.5}')
        shares = {pattern: value for layer, value in share.items() for pattern in patterns_of(module, layer)}
        for pattern, value in shares.items():
            if not _is_number(value):
                raise UserError(
                    f"the share of channels for {pattern} is {shown(value)}, expected a number, such as 0.5"
                )
        return kind, shares
    if not _is_number(share):
        raise UserError(f"the budget {kind} is {share!r}, expected a number, such as 0.5 for one half")
    if kind != "threshold":
        check_share(kind, float(share))
    return kind, float(share)


def _is_number(value: object) -> TypeGuard[Real]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _surgery(
    prepared: Prepared, task: Task, costs: _Costs, method: str, budget: dict[str, float], choice: Choice
) -> PruneResult:
    """The pruned model of a choice, checked against the masked model."""
    structure, kept = task.structure, choice.kept
    cuts, sizes, removals = edits(structure, kept)
    plan = PruningPlan(
        module=type(prepared.module).__name__,
        method=method,
        budget=budget,
        seed=task.seed,
        groups=_group_plans(structure, choice),
        cuts=cuts,
        sizes=sizes,
        removals=removals,
    )
    absolute, relative = difference(structure, plan.apply(structure.module), kept)
    if relative > TOLERANCE:
        raise SurgeryError(
            f"the pruned model differs from the masked model by {relative:.2g} relative, more than "
            f"{TOLERANCE:g}: no model is returned"
        )
    counts, removed = structure.counts(kept), [removal.module for removal in removals]
    model = plan.apply(prepared.module)
    report = {
        "method": method,
        "budget": plan.budget,
        "seed": task.seed,
        "params_before": round(float(costs.params.total(structure.sizes))),
        "params_after": sum(parameter.numel() for parameter in model.parameters()),
        "macs_before": float(costs.macs.total(structure.sizes)),
        "macs_after": costs.macs.outside(removed, counts),
        "max_abs_difference": absolute,
        "max_relative_difference": relative,
        "groups": [
            {"id": group.id, "channels": group.channels, "unit": group.unit, "kept": int(count)}
            for group, count in zip(structure.groups, counts, strict=True)
        ],
        "rounded": [] if task.budget is None else [asdict(item) for item in task.budget.rounded],
        "removed": removed,
        "blocked": [reason._asdict() for reason in structure.blocked],
        "without_channels": without_channels(structure.module),
    }
    return PruneResult(model, plan, report)


def _group_plans(structure: Structure, choice: Choice) -> tuple[GroupPlan, ...]:
    kept, scores = structure.by_group(choice.kept), structure.by_group(choice.scores)
    return tuple(
        GroupPlan(group.id, group.channels, tuple(np.flatnonzero(stays).tolist()), tuple(np.round(values, 5).tolist()))
        for group, stays, values in zip(structure.groups, kept, scores, strict=True)
    )
