"""Removing channels for good, and proving that nothing else changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from .branches import removals
from .graph.flow import Flow, matched_sizes, output_nodes
from .graph.labels import Vector
from .graph.trace import Place
from .masked import MaskedModel
from .plan import Cut, Removal, SizeEdit, edited
from .structure import Structure

#: relative difference between masked and pruned model above which a pruned model is refused
TOLERANCE = 1e-4


class SurgeryError(RuntimeError):
    """The pruned model does not compute what the masked model computes."""


def edits(structure: Structure, kept: np.ndarray) -> tuple[tuple[Cut, ...], tuple[SizeEdit, ...], tuple[Removal, ...]]:
    """The edits that remove channels.

    Args:
        structure: the module's channel groups.
        kept: which channels stay, channel number 1 first.

    Shape:
        - kept: ``(channels,)`` booleans
    """
    stays = np.concatenate([[True], kept])
    cuts, gone = [], removals(structure, kept)
    left = {f"{item.module}.{item.bias}": f"{item.module}.bias" for item in gone}
    inside = tuple(f"{item.module}." for item in gone)
    for name, dims in structure.flows[0].parameters.items():
        if name.startswith(inside) and name not in left:
            continue
        name = left.get(name, name)
        for dimension, vector in enumerate(dims):
            keep = _kept_indices(structure, vector, stays)
            if keep is not None:
                cuts.append(Cut(name, dimension, tuple(keep.tolist())))
    pruned = edited(structure.module, cuts, (), gone)
    sizes = {
        **_library_sizes(pruned),
        **{
            place: value
            for place, value in _attribute_sizes(structure, stays).items()
            if not f"{place[0]}.".startswith(inside)
        },
    }
    return (
        tuple(cuts),
        tuple(
            SizeEdit(module, attribute, index, value)
            for (module, attribute, index), value in sizes.items()
            if _current(pruned, (module, attribute, index)) != value
        ),
        gone,
    )


def _kept_indices(structure: Structure, vector: Vector, stays: np.ndarray) -> np.ndarray | None:
    """Indices of a dimension that stay, or ``None`` where all do."""
    numbers = structure.numbered(vector)
    if numbers is None or stays[numbers].all():
        return None
    return np.flatnonzero(stays[numbers])


def _attribute_sizes(structure: Structure, stays: np.ndarray) -> dict[Place, int]:
    """New values of the attributes whose values arrived at sizes.

    A size that is an attribute's plain value decides the attribute. A size that was calculated from attributes decides
    only attributes that nothing else does: what it was calculated from besides may have changed by itself.
    """
    solved: dict[Place, int] = {}
    calculated = []
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


def _library_sizes(pruned: nn.Module) -> dict[Place, int]:
    """Sizes that torch's own layers state about their parameters, read off the cut parameters."""
    sizes: dict[Place, int] = {}
    for name, part in pruned.named_modules():
        for attribute, value in _stated(part).items():
            if hasattr(part, attribute) and value is not None:
                sizes[name, attribute, ()] = value
    return sizes


def _stated(part: nn.Module) -> dict[str, int | None]:
    weight = getattr(part, "weight", None)
    shape = tuple(weight.shape) if isinstance(weight, Tensor) else ()
    if isinstance(part, nn.modules.conv._ConvNd):
        # a depthwise layer's groups follow its rows; any other layer keeps its number of groups
        depthwise = part.groups == part.in_channels and part.groups > 1
        outputs, inputs = (shape[1], shape[0]) if part.transposed else (shape[0], shape[1])
        if depthwise:
            width = part.out_channels // part.groups
            inputs = shape[0] if part.transposed else shape[0] // width
            return {"in_channels": inputs, "groups": inputs, "out_channels": inputs * width}
        if part.transposed:
            return {"in_channels": inputs, "out_channels": outputs * part.groups}
        return {"in_channels": inputs * part.groups, "out_channels": outputs}
    if isinstance(part, nn.Linear):
        return {"in_features": shape[1], "out_features": shape[0]}
    if isinstance(part, nn.modules.batchnorm._NormBase):
        norm = weight if weight is not None else part.running_mean
        return {"num_features": None if norm is None else len(norm)}
    if isinstance(part, nn.GroupNorm):
        return {"num_channels": shape[0] if shape else None}
    if isinstance(part, nn.PReLU):
        return {"num_parameters": shape[0]}
    if isinstance(part, nn.RNNBase):
        return {"input_size": part.weight_ih_l0.shape[1], "hidden_size": part.weight_hh_l0.shape[1]}
    if isinstance(part, nn.MultiheadAttention) and part.in_proj_weight is not None:
        width = part.in_proj_weight.shape[1]
        return {"embed_dim": width, "kdim": width, "vdim": width, "head_dim": width // part.num_heads}
    if isinstance(part, nn.Embedding):
        return {"num_embeddings": shape[0], "embedding_dim": shape[1]}
    return {}


def cut(structure: Structure, kept: np.ndarray) -> nn.Module:
    """A pruned copy of the structure's module, not checked."""
    return edited(structure.module, *edits(structure, kept))


def agrees(structure: Structure, kept: np.ndarray) -> bool:
    """Whether the module, cut on trial, computes what the masked model computes."""
    try:
        return difference(structure, cut(structure, kept), kept)[1] <= TOLERANCE
    except Exception:  # whatever a half-cut foreign module raises, it cannot be cut like this
        return False


def difference(structure: Structure, pruned: nn.Module, kept: np.ndarray) -> tuple[float, float]:
    """Largest difference between masked and pruned model on the structure's example, absolute and relative.

    Raises:
        SurgeryError: the pruned model does not run, or its outputs have other shapes.
    """
    flow = structure.flows[0]
    inputs = flow.trace.inputs
    training = pruned.training
    with torch.no_grad():
        try:
            actual = tree_leaves(pruned.eval()(*inputs))
        except Exception as error:
            raise SurgeryError(f"the pruned model does not run: {error}") from error
        finally:
            pruned.train(training)
        device = next((leaf.device for leaf in inputs if isinstance(leaf, Tensor)), None)
        expected = tree_leaves(
            MaskedModel(structure, flow)(torch.from_numpy(kept.astype(np.float32)).to(device), *inputs)
        )
    actual, expected = ([leaf for leaf in leaves if isinstance(leaf, Tensor)] for leaves in (actual, expected))
    dims = [flow.dims[node] for node in _outputs(flow)]
    absolute = relative = 0.0
    for got, dense, its_dims in zip(actual, expected, dims, strict=True):
        wanted = _select(structure, dense, its_dims, kept)
        if got.shape != wanted.shape:
            raise SurgeryError(
                f"an output of the pruned model has shape {tuple(got.shape)}, expected {tuple(wanted.shape)}"
            )
        if wanted.numel() and (wanted.is_floating_point() or wanted.is_complex()):
            error = float((got - wanted).abs().max())
            absolute = max(absolute, error)
            relative = max(relative, error / max(float(wanted.abs().max()), 1e-12) if error else 0.0)
            if error != error:
                raise SurgeryError("an output of the masked or the pruned model is not a number")
    return absolute, relative


def _outputs(flow: Flow) -> list[Any]:
    output = next(node for node in flow.trace.graph.graph.nodes if node.op == "output")
    return [node for node in output_nodes(output) if isinstance(node.meta.get("val"), Tensor)]


def _select(structure: Structure, dense: Tensor, dims: Sequence[Vector], kept: np.ndarray) -> Tensor:
    stays = np.concatenate([[True], kept])
    for dimension, vector in enumerate(dims):
        indices = _kept_indices(structure, vector, stays)
        if indices is not None:
            dense = dense.index_select(dimension, torch.from_numpy(indices).to(dense.device))
    return dense
