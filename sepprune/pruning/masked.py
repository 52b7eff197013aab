"""The masked model: computes at every kept channel what the pruned model will compute, at the dense shapes.

It runs the module's graph. Where channels are summed over, dropped ones are left out by their masks; everywhere else
the graph runs as it is, and what stands in dropped channels does not matter. The module is not edited, and masks get
gradients.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, fx

from .graph.flow import Flow, arguments
from .structure import Structure


class MaskedModel(fx.Interpreter):
    """Runs a traced module with masks for its channels.

    Args:
        structure: the module's channel groups.
        flow: which of the structure's traces to run; inputs must have its shapes.
    """

    def __init__(self, structure: Structure, flow: Flow) -> None:
        super().__init__(flow.trace.graph)
        self.places: dict[fx.Node, tuple[Tensor | None, ...]] = {}
        self.runs: dict[fx.Node, Any] = {}
        for node, site in flow.sites.items():
            numbers = [structure.numbered(vector) for vector in site.vectors]
            if any(item is not None for item in numbers):
                self.places[node] = tuple(
                    torch.zeros(len(vector) if vector is not None else 1, dtype=torch.long)
                    if item is None
                    else torch.from_numpy(item)
                    for item, vector in zip(numbers, site.vectors, strict=True)
                )
                self.runs[node] = site.run
        self._gates = torch.ones(1)

    def __call__(self, gates: Tensor, *inputs: Any) -> Any:
        """The module's outputs, at its dense shapes.

        Args:
            gates: mask of every channel, channel number 1 first.
            *inputs: as the module takes them.

        Shape:
            - gates: ``(channels,)``, values 0 or 1
        """
        self._gates = torch.cat([gates.new_ones(1), gates])
        if self.places and next(iter(self.places.values()))[0].device != gates.device:
            self.places = {
                node: tuple(place.to(gates.device) for place in places) for node, places in self.places.items()
            }
        return self.run(*inputs)

    def run_node(self, node: fx.Node) -> Any:
        if node not in self.places:
            return super().run_node(node)
        masks = [self._gates[place] for place in self.places[node]]
        if node.op == "get_attr":
            return self.runs[node](super().run_node(node), {}, masks)
        bound = fx.node.map_arg(arguments(node), lambda item: self.env[item])
        return self.runs[node](node.target, bound, masks)
