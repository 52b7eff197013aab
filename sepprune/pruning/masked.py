"""The masked model: computes at every kept channel what the pruned model will compute, at the dense shapes.

It runs the module's graph. Where channels are summed over, masks leave the dropped ones out. All other operations run
unchanged, and the values of dropped channels are not used. The module is not edited, and masks get gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from .graph.flow import Flow, Masked, arguments
from .structure import Structure

#: called before every node with the values that have been computed, among them the node's inputs
Watch = Callable[[fx.Node, Mapping[fx.Node, Any]], None]


@dataclass(frozen=True)
class _Place:
    """A node that runs with masks: channel numbers along each masked dimension (0: never dropped), and how it runs."""

    numbers: tuple[Tensor, ...]
    run: Masked


@dataclass(frozen=True, eq=False)
class MaskedModel:
    """A traced module that runs with masks for its channels. Make it with :meth:`of`.

    Attributes:
        flow: the trace that it runs; inputs must have its shapes.
        places: nodes that run with masks.
    """

    flow: Flow
    places: Mapping[fx.Node, _Place]

    @staticmethod
    def of(structure: Structure, flow: Flow) -> MaskedModel:
        """The masked model of one of a module's traces.

        Args:
            structure: the module's channel groups.
            flow: one of the structure's traces, or another trace of the same module.
        """
        device = next((item.device for item in flow.trace.inputs if isinstance(item, Tensor)), None)
        places: dict[fx.Node, _Place] = {}
        for node, site in flow.sites.items():
            numbers = [structure.numbered(vector) for vector in site.vectors]
            if any(item is not None for item in numbers):
                places[node] = _Place(
                    tuple(
                        torch.zeros(len(vector) if vector is not None else 1, dtype=torch.long, device=device)
                        if item is None
                        else torch.from_numpy(item).to(device)
                        for item, vector in zip(numbers, site.vectors, strict=True)
                    ),
                    site.run,
                )
        return MaskedModel(flow, places)

    def __call__(self, gates: Tensor, *inputs: Any, watch: Watch | None = None) -> Any:
        """The module's outputs, at its dense shapes.

        Args:
            gates: mask of every channel, channel number 1 first, on the device of the traced inputs.
            *inputs: the module's inputs.
            watch: called before every node.

        Shape:
            - gates: ``(channels,)``, values 0 or 1
        """
        return _Run(self, torch.cat([gates.new_ones(1), gates]), watch).run(*inputs)


class _Run(fx.Interpreter):
    """One pass of a masked model."""

    def __init__(self, model: MaskedModel, gates: Tensor, watch: Watch | None) -> None:
        super().__init__(model.flow.trace.graph)
        self.places, self.gates, self.watch = model.places, gates, watch

    def run_node(self, node: fx.Node) -> Any:
        if self.watch is not None:
            self.watch(node, self.env)
        place = self.places.get(node)
        if place is None and node.target is not torch.ops.aten.view.default:
            return super().run_node(node)
        bound = fx.node.map_arg(arguments(node), lambda item: self.env[item])
        if place is None:  # operations with masks may leave another memory layout than the traced ones
            return bound["self"].reshape(bound["size"])
        masks = [self.gates[numbers] for numbers in place.numbers]
        if node.op == "get_attr":
            return place.run(super().run_node(node), {}, masks)
        return place.run(node.target, bound, masks)
