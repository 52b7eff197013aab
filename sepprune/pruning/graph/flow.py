"""Types for following channel labels through a module's graph.

Dropping channels means deleting their indices from every tensor. Operations that work index by index are not affected
by that. Operations that *reduce* over a dimension (products, statistics) must leave dropped indices out. These
operations are recorded as :class:`Site`, and the masked model of :mod:`~sepprune.pruning.masked` multiplies by masks
there, so that it computes at every kept index what the pruned model will compute.

The rules are in ``rules_*.py``, and :mod:`~sepprune.pruning.graph.follow` applies them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from ..arrays import Ints
from .labels import Labels, Reason, Vector
from .sizes import Size
from .trace import Trace, label_of, layer_of

#: labels of a tensor, one vector per dimension
Dims = tuple[Vector, ...]

#: labels of what a node gives: of its tensor, or a list of them where it has several outputs
Labelled = Dims | list["Labelled"]

#: arguments of an operation by the names of its schema: nodes, numbers, lists of either, so their type is open
Arguments = dict[str, Any]

#: runs an operation in the masked model: ``(target, arguments, one mask per vector) -> result``
Masked = Callable[[Any, Arguments, Sequence[Tensor]], Any]


@dataclass(frozen=True)
class Site:
    """A node that reduces over labelled dimensions, and how it runs with masks for them."""

    vectors: tuple[Vector, ...]
    run: Masked


@dataclass(frozen=True)
class Product:
    """Multiply-adds of a node: ``constant`` times the sizes of ``dims``."""

    node: fx.Node
    constant: float
    dims: tuple[Ints, ...]


@dataclass(frozen=True, eq=False)
class Flow:
    """Labels of a traced module. Rules add to its tables while the graph is followed.

    Attributes:
        trace: the graph.
        keep_outputs: positions or keys of the outputs whose shapes are kept; ``None`` for all, or for the first of a
            separator that makes its state itself.
        labels: which labels are tied or frozen.
        dims: labels of what every node gives.
        parameters: labels of every parameter, buffer and tensor attribute that the graph uses, by name.
        channels: which dimensions of which parameters are channels of a layer, with the layer's name.
        calculated: the same for tensors from which the weight of a layer is calculated.
        made: those of both whose channels a layer produces; it reads the others.
        blockers: why all dimensions of a node are fixed, where an operation before it fixed them.
        sites: nodes that reduce over labelled dimensions.
        products: multiply-adds.
        origins: names of the tensors that a node is calculated from alone; ``None`` where it depends on an input.
        size_slots: integers among a node's arguments that are sizes, in order of the arguments, each with the
            vector whose number of indices it states.
    """

    trace: Trace
    keep_outputs: tuple[int | str, ...] | None = None
    labels: Labels = field(default_factory=Labels)
    dims: dict[fx.Node, Labelled] = field(default_factory=dict)
    parameters: dict[str, Dims] = field(default_factory=dict)
    channels: dict[tuple[str, int], str] = field(default_factory=dict)
    calculated: dict[tuple[str, int], str] = field(default_factory=dict)
    made: set[tuple[str, int]] = field(default_factory=set)
    blockers: dict[fx.Node, Reason] = field(default_factory=dict)
    sites: dict[fx.Node, Site] = field(default_factory=dict)
    products: list[Product] = field(default_factory=list)
    origins: dict[fx.Node, frozenset[str] | None] = field(default_factory=dict)
    size_slots: dict[fx.Node, list[tuple[int, Vector]]] = field(default_factory=dict)

    def tie(self, node: fx.Node, first: Vector, second: Vector, why: str) -> Vector:
        """Tie two dimensions index by index.

        Where one of them is fixed, the other is frozen. The reason is the operation that fixed it, if one is known, or
        else ``node`` and ``why``.
        """
        origin = None
        if (first is None) != (second is None):
            origin = next((self.blockers[item] for item in node.all_input_nodes if item in self.blockers), None)
            why = f"{why}, along a dimension of fixed size"
        return self.labels.tie(first, second, origin or self.reason(node, why))

    def freeze(self, node: fx.Node, vectors: Sequence[Vector] | Vector, why: str) -> None:
        """Never drop the indices of these dimensions."""
        for vector in vectors if isinstance(vectors, (tuple, list)) else (vectors,):
            self.labels.freeze(vector, self.reason(node, why))

    def block(self, node: fx.Node, data: fx.Node, vectors: Sequence[Vector], why: str) -> None:
        """Freeze dimensions of ``data``; what later meets the fixed result of ``node`` names this reason too.

        Nothing is recorded for a tensor beside the data, such as the window of a transform.
        """
        beside = self.origins.get(data) is not None and self.origins.get(node) is None
        if not beside and any(vector is not None for vector in vectors):
            self.blockers.setdefault(node, self.reason(node, why))
        self.freeze(node, vectors, why)

    def reason(self, node: fx.Node, why: str) -> Reason:
        """A reason that names the node's layer and operation."""
        return Reason(layer_of(node), operation(node), why)

    def of(self, node: fx.Node) -> Dims:
        """Labels of the tensor of a node with one output."""
        dims = self.dims[node]
        if isinstance(dims, list):
            raise TypeError(f"{node} has {len(dims)} outputs, expected one tensor")
        return dims

    def note_channels(self, node: fx.Node, weight: Any, *dimensions: int, made: Collection[int] = ()) -> None:
        """Record that these dimensions of a weight are channels of the node's layer.

        A weight that is calculated (weight norm, a mask) has the channels of the parameters that it is calculated from.

        Args:
            node: the operation.
            weight: one of its arguments.
            *dimensions: of the weight.
            made: those of the dimensions whose channels the operation produces; it reads the others.
        """
        name = self.trace.tensors.get(str(getattr(weight, "target", "")))
        if name is not None:
            for dimension in dimensions:
                self.channels.setdefault((name, dimension), label_of(name))
                if dimension in made:
                    self.made.add((name, dimension))
        elif isinstance(weight, fx.Node):
            dims = self.of(weight)
            for source in sorted(self.origins.get(weight) or ()):
                for index, vector in enumerate(self.parameters[source]):
                    found = [dimension for dimension in dimensions if self.labels.meet(vector, dims[dimension])]
                    if found:
                        self.calculated.setdefault((source, index), label_of(source))
                    if any(dimension in made for dimension in found):
                        self.made.add((source, index))


#: gives the labels of a node's output and records sites, products and size slots; ``None`` where it does not apply
Rule = Callable[[Flow, fx.Node, Arguments], Labelled | None]

#: rules by the name of the ATen operation, without namespace, overload and in-place underscore
Rules = Mapping[str, Rule]


def operation(node: fx.Node) -> str:
    """An operation's name without namespace, overload and in-place underscore."""
    target = node.target
    if isinstance(target, torch._ops.OpOverload):
        name: str = target._schema.name.removeprefix("aten::")
        return name.rstrip("_") if name.endswith("_") and not name.startswith("__") else name
    return str(getattr(target, "__name__", target))


def arguments(node: fx.Node) -> Arguments:
    """A node's arguments by the names of the operation's schema, defaults included."""
    if not isinstance(node.target, torch._ops.OpOverload):
        return {str(index): value for index, value in enumerate(node.args)} | node.kwargs
    schema = node.target._schema.arguments
    bound = {item.name: item.default_value for item in schema if item.has_default_value()}
    bound.update({item.name: value for item, value in zip(schema, node.args, strict=False)})
    return bound | node.kwargs


def shape(node: fx.Node) -> tuple[int, ...]:
    """Shape of a node's tensor in the traced example."""
    return tuple(int(size) for size in node.meta["val"].shape)


def size_of(vector: Vector, size: int) -> Ints:
    """A dimension's labels for counting: zeros where it is fixed."""
    return np.zeros(size, dtype=np.int64) if vector is None else vector


def sizes_of(node: fx.Node, dims: Dims) -> tuple[Ints, ...]:
    """Labels for counting of all dimensions of a node's tensor."""
    return tuple(size_of(vector, size) for vector, size in zip(dims, shape(node), strict=True))


def matched_sizes(stated: Sequence[Size | int], slots: Sequence[tuple[int, Vector]]) -> list[tuple[Size, Vector]]:
    """Sizes from attributes, with the size slot that each of them fills.

    Integers and slots are aligned in order, as many as possible, each with a slot of equal value. Plain integers take
    slots too, so that ``view(8, self.width)`` with a width of 8 is read correctly; -1 takes a slot of any value.
    """
    values = [item.value if isinstance(item, Size) else item for item in stated]

    def gain(row: int, column: int) -> int:
        """Attributes count before plain integers, and those before -1; 0 where the two do not fit."""
        if values[row] == slots[column][0]:
            return 10_000 if isinstance(stated[row], Size) else 100
        return int(values[row] == -1)

    best = np.zeros((len(values) + 1, len(slots) + 1), dtype=np.int64)  # of the rest of both
    for row in reversed(range(len(values))):
        for column in reversed(range(len(slots))):
            both = best[row + 1, column + 1] + gain(row, column)
            best[row, column] = max(best[row + 1, column], best[row, column + 1], both)
    matched, row, column = [], 0, 0
    while row < len(values) and column < len(slots):
        together = gain(row, column)
        if together and best[row, column] == best[row + 1, column + 1] + together:
            item = stated[row]
            if isinstance(item, Size):
                matched.append((item, slots[column][1]))
            row, column = row + 1, column + 1
        elif best[row, column] == best[row, column + 1]:
            column += 1
        else:
            row += 1
    return matched
