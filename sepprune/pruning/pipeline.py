"""The whole of pruning: analyze, choose, cut, prove."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import UserError
from .branches import close_branches, with_branches
from .budget import DEFAULT_FLOOR, Budget, Floor, keep_best
from .cost import Analysis, Cost, analysis_of, macs_cost, params_cost
from .methods.gates import Learning, learn_by_threshold, learn_in_budget
from .methods.rivals import RIVALS
from .objective import Loss, Objective, endless, freeze
from .plan import GroupPlan, PruningPlan
from .proof import prove
from .structure import Structure, discover
from .surgery import TOLERANCE, SurgeryError, difference, edits
from .timing import time_cost

METHODS = ("sepprune", *RIVALS)
#: those that look at weights alone
WITHOUT_DATA = tuple(name for name, rival in RIVALS.items() if not rival.needs_data)


@dataclass(frozen=True)
class Prepared:
    """A module whose channel groups are known: :func:`prune` takes it as often as there are budgets and methods.

    Attributes:
        module: as given; pruned models are made of it.
        structure: channel groups of a frozen copy.
        inputs: the example on which costs are counted.
    """

    module: nn.Module
    structure: Structure
    inputs: tuple[Any, ...]


@dataclass(frozen=True)
class PruneResult:
    """A pruned model.

    Attributes:
        model: same class and call signature, fewer channels, every surviving parameter and buffer inherited.
        plan: rebuilds it from the original class.
        report: the JSON object of ``sepprune prune``.
    """

    model: nn.Module
    plan: PruningPlan
    report: dict[str, Any]


def analyze(
    module: nn.Module,
    example_input: Any = None,
    *,
    sample_rate: int = 16_000,
    like_ptflops: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Analysis:
    """Where a module's computation goes, and which of its channels can be pruned.

    Args:
        module: any module that ``torch.export`` can follow; it is not changed.
        example_input: a tensor, or a tuple of inputs. A causal separator can do without.
        sample_rate: of the example, in hertz; its last dimension is time.
        like_ptflops: count the MACs of modules and groups as :mod:`~sepprune.pruning.ptflops` does.
        include, exclude: name patterns of layers whose groups alone, or not, may be pruned.

    Raises:
        UserError: the module does not run on the example, or cannot be exported.
    """
    prepared = prepare(module, example_input, include=include, exclude=exclude)
    return analysis_of(prepared.structure, prepared.inputs[0].shape[-1] / sample_rate, like_ptflops)


def prepare(
    module: nn.Module,
    example_input: Any = None,
    *,
    batch: Any = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Prepared:
    """Find the channel groups of a module that will be pruned several times.

    Args:
        module: any module that ``torch.export`` can follow; it is not changed.
        example_input: a tensor, or a tuple of inputs. A causal separator can do without.
        batch: a batch in the shape of the data that masks will be learned on.
        include, exclude: name patterns of layers whose groups alone, or not, may be pruned.

    Raises:
        UserError: the module does not run on the example, or cannot be exported.
    """
    inputs = _inputs(module, example_input)
    examples = [inputs]
    if batch is not None:
        mixture = (batch[0] if isinstance(batch, (tuple, list)) else batch).to(inputs[0].device)
        mixture = mixture.unsqueeze(1) if mixture.dim() == inputs[0].dim() - 1 else mixture
        examples += [] if mixture.shape == inputs[0].shape else [(mixture,)]
    return Prepared(module, prove(discover(freeze(copy.deepcopy(module)), examples, include, exclude)), inputs)


def prune(
    module: nn.Module | Prepared,
    example_input: Any = None,
    *,
    macs: float | None = None,
    params: float | None = None,
    chunk_time: float | None = None,
    threshold: float | None = None,
    method: str = "sepprune",
    data: Iterable[Any] | None = None,
    loss: Loss | str | None = None,
    steps: int = 500,
    seed: int = 0,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    floor: Floor = DEFAULT_FLOOR,
    round_to: int = 1,
    sample_rate: int = 16_000,
    learning: Learning | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> PruneResult:
    """Prune a separator to a budget.

    Args:
        module: any separator that ``torch.export`` can follow, which is not changed; or what :func:`prepare` made of
            it, to which ``example_input``, ``include`` and ``exclude`` were given then.
        example_input: a tensor, or a tuple of inputs. A causal separator can do without.
        macs, params, chunk_time: the budget, a share of the dense cost; exactly one, or ``threshold``.
        threshold: epsilon of the published method, which sets no rate (0.7 there).
        method: ``sepprune`` or a rival: see :data:`METHODS`.
        data: batches ``(mixture, references)``, ``(batch, samples)`` and ``(batch, sources, samples)``; repeated when
            they run out. Rivals that look at weights alone need none.
        loss: see :class:`~sepprune.pruning.objective.Objective`.
        steps: batches for learning masks.
        seed: of everything random.
        include, exclude: name patterns of layers whose groups alone, or not, are pruned.
        floor: channels that every group keeps at least, and whether whole residual branches may go.
        round_to: keep multiples of this many channels.
        sample_rate: of the example, in hertz.
        learning: details of mask learning; its ``steps`` gives way to ``steps``.
        progress: called with step and loss.

    Raises:
        UserError: the input is wrong or the budget cannot be met.
        SurgeryError: the pruned model differs from the masked one; nothing is returned then.
    """
    kind, share = _one_budget(macs=macs, params=params, chunk_time=chunk_time, threshold=threshold)
    if method not in METHODS:
        raise UserError(f"no pruning method is called {method!r}: choose from {', '.join(METHODS)}")
    if threshold is not None and method != "sepprune":
        raise UserError(f"a threshold belongs to the method sepprune; {method} needs a budget: give macs or params")
    needs_data = method not in WITHOUT_DATA
    if needs_data and data is None:
        raise UserError(
            f"the method {method} needs data: give batches of (mixture, references), or choose a method "
            f"that looks at weights alone: {', '.join(WITHOUT_DATA)}"
        )
    first, batches = _with_first(data) if needs_data and data is not None else (None, None)
    prepared = (
        module
        if isinstance(module, Prepared)
        else prepare(module, example_input, batch=first, include=include, exclude=exclude)
    )
    inputs, structure = prepared.inputs, prepared.structure
    if floor.whole_branches:
        structure = with_branches(structure)
    seconds = inputs[0].shape[-1] / sample_rate
    params_of, macs_of = params_cost(structure), macs_cost(structure, seconds)
    budget = (
        None
        if kind == "threshold"
        else Budget.of(kind, share, _cost_of(kind, structure, params_of, macs_of), structure, floor)
    )
    scores, kept = _choose(
        structure,
        batches,
        inputs,
        method,
        budget,
        share,
        loss,
        floor,
        round_to,
        seed,
        _with_steps(learning, steps),
        progress or (lambda step, value: None),
    )
    cuts, sizes, removals = edits(structure, kept)
    plan = PruningPlan(
        type(prepared.module).__name__,
        method,
        {kind: share},
        seed,
        _group_plans(structure, scores, kept),
        cuts,
        sizes,
        removals,
    )
    absolute, relative = difference(structure, plan.apply(structure.module), kept)
    if relative > TOLERANCE:
        raise SurgeryError(
            f"the pruned model differs from the masked model by {relative:.2g} relative, more than "
            f"{TOLERANCE:g}: no model is returned"
        )
    counts, removed = _counts(structure, kept), [removal.module for removal in removals]
    model = plan.apply(prepared.module)
    report = {
        "method": method,
        "budget": plan.budget,
        "seed": seed,
        "params_before": round(float(params_of.total(structure.sizes))),
        "params_after": sum(parameter.numel() for parameter in model.parameters()),
        "macs_before": float(macs_of.total(structure.sizes)),
        "macs_after": macs_of.outside(removed, counts),
        "max_abs_difference": absolute,
        "max_relative_difference": relative,
        "groups": [
            {"id": group.id, "channels": group.channels, "kept": int(count)}
            for group, count in zip(structure.groups, counts, strict=True)
        ],
        "removed": removed,
        "blocked": [reason._asdict() for reason in structure.blocked],
    }
    return PruneResult(model, plan, report)


def _inputs(module: nn.Module, example_input: Any) -> tuple[Any, ...]:
    if isinstance(example_input, tuple):
        return example_input
    if isinstance(example_input, Tensor):
        return (example_input,)
    hop, rate = getattr(module, "hop", None), getattr(module, "sample_rate", None)
    if example_input is not None or hop is None or rate is None:
        raise UserError(f"{type(module).__name__} needs an example_input: a tensor or a tuple of its inputs")
    # whole segments, so that what runs once a segment is counted at its true rate
    frames = 2 * module.segment if getattr(module, "segment", None) else rate // hop
    generator = torch.Generator().manual_seed(0)
    return (0.1 * torch.randn(1, frames * hop, generator=generator).to(next(module.parameters()).device),)


def _one_budget(**budgets: float | None) -> tuple[str, float]:
    given = [(kind, float(value)) for kind, value in budgets.items() if value is not None]
    if len(given) != 1:
        raise UserError(f"{len(given)} budgets are given: give exactly one of {', '.join(budgets)}")
    return given[0]


def _with_first(data: Iterable[Any]) -> tuple[Any, Iterator[Any]]:
    """The first batch, and endless batches from it on."""
    stream = endless(data)
    first = next(stream)
    return first, chain([first], stream)


def _cost_of(kind: str, structure: Structure, params_of: Cost, macs_of: Cost) -> Cost:
    if kind == "chunk_time":
        return time_cost(structure)
    return params_of if kind == "params" else macs_of


def _with_steps(learning: Learning | None, steps: int) -> Learning:
    return replace(learning or Learning(), steps=steps)


def _choose(
    structure: Structure,
    batches: Any,
    inputs: tuple[Any, ...],
    method: str,
    budget: Budget | None,
    share: float,
    loss: Loss | str | None,
    floor: Floor,
    round_to: int,
    seed: int,
    learning: Learning,
    progress: Callable[[int, float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Scores and kept channels."""
    device = inputs[0].device
    objective = Objective(structure, loss, inputs[0].dim()) if batches is not None else None
    if budget is None:
        return learn_by_threshold(structure, objective, batches, share, learning, seed, device, progress)
    if method == "sepprune":
        start = (
            None
            if learning.start == "equal"
            else _warm_start(RIVALS["taylor"]().scores(structure, seed, objective, batches, 8, device))
        )
        scores = learn_in_budget(structure, objective, batches, budget, floor, learning, seed, device, start, progress)
    else:
        scores = RIVALS[method]().scores(structure, seed, objective, batches, device=device)
    return scores, close_branches(structure, keep_best(structure, budget, scores, floor, round_to))


def _warm_start(taylor: np.ndarray) -> np.ndarray:
    """Logits to start from: evenly spread by first-order importance, so that no channel is decided yet."""
    ranks = np.empty(len(taylor))
    ranks[np.argsort(taylor)] = (np.arange(len(taylor)) + 0.5) / len(taylor)
    return np.log(ranks / (1 - ranks))


def _counts(structure: Structure, kept: np.ndarray) -> np.ndarray:
    return np.bincount(structure.group_of[kept], minlength=len(structure.groups))


def _group_plans(structure: Structure, scores: np.ndarray, kept: np.ndarray) -> tuple[GroupPlan, ...]:
    bounds = np.cumsum(structure.sizes)[:-1]
    return tuple(
        GroupPlan(group.id, group.channels, tuple(np.flatnonzero(stays).tolist()), tuple(np.round(values, 5).tolist()))
        for group, stays, values in zip(structure.groups, np.split(kept, bounds), np.split(scores, bounds), strict=True)
    )
