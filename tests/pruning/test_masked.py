"""The masked model: open gates change nothing, and every node can be watched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import fx

from sepprune.pruning.masked import MaskedModel
from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import Structure, discover
from tests.pruning.small_separators import MIXTURE, build


def structure() -> Structure:
    return discover(freeze(build("dual path")), [(MIXTURE,)])


def test_open_gates_give_the_output_of_the_module() -> None:
    found = structure()
    output = MaskedModel.of(found, found.flows[0])(torch.ones(int(found.sizes.sum())), MIXTURE)
    assert torch.allclose(output, found.module(MIXTURE), atol=1e-5)


def test_closed_gates_change_the_output_and_get_gradients() -> None:
    found = structure()
    model = MaskedModel.of(found, found.flows[0])
    gates = torch.ones(int(found.sizes.sum()))
    gates[0] = 0
    gates.requires_grad_()
    output = model(gates, MIXTURE)
    assert not torch.allclose(output, found.module(MIXTURE), atol=1e-5)
    (gradient,) = torch.autograd.grad(output.square().mean(), gates)
    assert gradient.isfinite().all() and gradient.count_nonzero() > len(gates) // 2


def test_a_watcher_sees_the_inputs_of_every_node_before_it_runs() -> None:
    found = structure()
    seen: list[fx.Node] = []

    def watch(node: fx.Node, values: Mapping[fx.Node, Any]) -> None:
        assert all(source in values for source in node.all_input_nodes) and node not in values
        seen.append(node)

    MaskedModel.of(found, found.flows[0])(torch.ones(int(found.sizes.sum())), MIXTURE, watch=watch)
    assert seen == list(found.flows[0].trace.graph.graph.nodes)
