"""Surgery: cutting channels out of a module, and checking that the result computes what the masked model computes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from .arrays import Bools, Ints
from .edits import Cut, Removal, SizeEdit, cut_sizes, edited
from .graph.flow import Dims, Flow, matched_sizes
from .graph.follow import output_nodes
from .graph.labels import Vector
from .graph.sizes import Place, Size
from .library_sizes import library_sizes
from .masked import MaskedModel
from .removals import removals
from .structure import Structure

#: relative difference between masked and pruned model above which a pruned model is refused
TOLERANCE = 1e-4


class SurgeryError(RuntimeError):
    """The pruned model does not compute what the masked model computes."""


def edits(structure: Structure, kept: Bools) -> tuple[tuple[Cut, ...], tuple[SizeEdit, ...], tuple[Removal, ...]]:
    """The edits that remove channels.

    Args:
        structure: the module's channel groups.
        kept: which channels are kept, channel number 1 first.

    Shape:
        - kept: ``(channels,)``
    """
    return _cut(structure, kept)[:3]


def _cut(
    structure: Structure, kept: Bools
) -> tuple[tuple[Cut, ...], tuple[SizeEdit, ...], tuple[Removal, ...], nn.Module]:
    """The edits, and a copy of the module with all of them but the sizes."""
    stays = _by_number(kept)
    cuts: list[Cut] = []
    gone = removals(structure, kept)
    left = {f"{item.module}.{item.bias}": f"{item.module}.bias" for item in gone}
    inside = tuple(f"{item.module}." for item in gone)
    for name, dims in structure.flows[0].parameters.items():
        if name.startswith(inside) and name not in left:
            continue
        name = left.get(name, name)
        for dimension, vector in enumerate(dims):
            keep = _kept_indices(structure, vector, stays)
            if vector is not None and keep is not None:
                cuts.append(Cut(name, dimension, tuple(keep.tolist()), len(vector)))
    pruned = edited(structure.module, cuts, (), gone)
    followed = {
        place: value
        for place, value in _attribute_sizes(structure, stays).items()
        if not f"{place[0]}.".startswith(inside)
    }
    sizes = {**library_sizes(pruned, followed), **followed}
    return (
        tuple(cuts),
        tuple(
            SizeEdit(module, attribute, index, value)
            for (module, attribute, index), value in sizes.items()
            if _current(pruned, (module, attribute, index)) != value
        ),
        gone,
        pruned,
    )


def _by_number(kept: Bools) -> Bools:
    """Whether an index is kept, by its channel number; number 0 always is."""
    return np.concatenate([np.ones(1, dtype=np.bool_), kept])


def _kept_indices(structure: Structure, vector: Vector, stays: Bools) -> Ints | None:
    """Indices of a dimension that are kept, or ``None`` if all are."""
    numbers = structure.numbered(vector)
    if numbers is None or stays[numbers].all():
        return None
    return np.flatnonzero(stays[numbers])


def _attribute_sizes(structure: Structure, stays: Bools) -> dict[Place, int]:
    """New values of the attributes that state sizes.

    A size that is an attribute's plain value decides the attribute. A size that was calculated from attributes only
    decides an attribute that no plain size decides, after those that are decided already have their new values.
    """
    solved: dict[Place, int] = {}
    calculated: list[tuple[Size, int]] = []
    for flow in structure.flows:
        for node, slots in flow.size_slots.items():
            for size, vector in matched_sizes(flow.trace.sizes.get(node, ()), slots):
                numbers = structure.numbered(vector)
                wanted = size.value if numbers is None else int(stays[numbers].sum()) * (1 if size.value > 0 else -1)
                if size.plain:
                    solved[size.places[0]] = wanted
                elif wanted != size.value:
                    calculated.append((size, wanted))
    for size, wanted in sorted(calculated, key=lambda item: len(item[0].places)):
        if size.evaluate(solved) == wanted:
            continue
        for place in size.places:
            value = next(
                (
                    value
                    for value in range(1, _current(structure.module, place) + 1)
                    if size.evaluate({**solved, place: value}) == wanted
                ),
                None,
            )
            if value is not None and place not in solved:
                solved[place] = value
                break
    return solved


def _current(module: nn.Module, place: Place) -> Any:
    value = getattr(module.get_submodule(place[0]), place[1])
    for index in place[2]:
        value = value[index]
    return value


def cut(structure: Structure, kept: Bools) -> nn.Module:
    """A pruned copy of the structure's module, not checked."""
    _, sizes, _, pruned = _cut(structure, kept)
    return cut_sizes(pruned, sizes)


def agrees(structure: Structure, kept: Bools) -> bool:
    """Whether a trial cut of the module computes what the masked model computes."""
    try:
        return difference(structure, cut(structure, kept), kept)[1] <= TOLERANCE
    except Exception:  # a module of any library may raise anything when it is cut; then this cut is not safe
        return False


def difference(structure: Structure, pruned: nn.Module, kept: Bools) -> tuple[float, float]:
    """Largest difference between masked and pruned model on the structure's example, absolute and relative.

    Raises:
        SurgeryError: the pruned model does not run, or its outputs have other shapes.
    """
    flow = structure.flows[0]
    inputs = flow.trace.inputs
    training = pruned.training
    with torch.no_grad():
        try:
            actual = tree_leaves(flow.trace.call.run(pruned.eval()))
        except Exception as error:
            raise SurgeryError(f"the pruned model does not run: {error}") from error
        finally:
            pruned.train(training)
        device = next((leaf.device for leaf in inputs if isinstance(leaf, Tensor)), None)
        gates = torch.from_numpy(kept.astype(np.float32)).to(device)
        expected = tree_leaves(MaskedModel.of(structure, flow)(gates, *inputs))
    absolute = relative = 0.0
    for got, dense, its_dims in zip(_tensors(actual), _tensors(expected), _output_dims(flow), strict=True):
        wanted = _select(structure, dense, its_dims, kept)
        if got.shape != wanted.shape:
            raise SurgeryError(
                f"an output of the pruned model has shape {tuple(got.shape)}, expected {tuple(wanted.shape)}"
            )
        if wanted.numel() and (wanted.is_floating_point() or wanted.is_complex()):
            largest = float((got - wanted).abs().max())
            absolute = max(absolute, largest)
            relative = max(relative, largest / max(float(wanted.abs().max()), 1e-12) if largest else 0.0)
            if math.isnan(largest):
                raise SurgeryError("an output of the masked or the pruned model is not a number")
    return absolute, relative


def _tensors(leaves: Sequence[object]) -> list[Tensor]:
    return [leaf for leaf in leaves if isinstance(leaf, Tensor)]


def _output_dims(flow: Flow) -> list[Dims]:
    """Labels of the output tensors, in order."""
    output = next(node for node in flow.trace.graph.graph.nodes if node.op == "output")
    return [flow.of(node) for node in output_nodes(output) if isinstance(node.meta.get("val"), Tensor)]


def _select(structure: Structure, dense: Tensor, dims: Dims, kept: Bools) -> Tensor:
    """The kept channels of an output of the masked model."""
    stays = _by_number(kept)
    for dimension, vector in enumerate(dims):
        indices = _kept_indices(structure, vector, stays)
        if indices is not None:
            dense = dense.index_select(dimension, torch.from_numpy(indices).to(dense.device))
    return dense
