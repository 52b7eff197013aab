"""Graphs of modules that use torch.no_grad() and torch.autocast."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, fx, nn

from sepprune.pruning.graph.trace import trace


class Contexts(nn.Module):
    """Blocks of a layer in ``no_grad`` and a layer in ``autocast``, which is off, as in rotary embeddings."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2 * blocks))

    def forward(self, x: Tensor) -> Tensor:
        for first, second in zip(self.layers[::2], self.layers[1::2], strict=True):
            with torch.no_grad():
                x = first(x)
                with torch.autocast("cpu", enabled=False):
                    x = x + second(x).tanh()
            with torch.autocast("cpu", enabled=False):
                x = x * 0.5
        return x


def test_the_graph_computes_what_the_module_computes() -> None:
    module, x = Contexts(2), torch.rand(3, 4)
    assert torch.equal(trace(module, (x,)).graph(x), module(x))


def test_gradients_flow_through_the_whole_graph() -> None:
    module, x = Contexts(2), torch.rand(3, 4)
    trace(module, (x,)).graph(x).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_the_exporter_makes_no_graph_for_each_context(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[fx.GraphModule] = []
    recompile = fx.GraphModule.recompile
    monkeypatch.setattr(fx.GraphModule, "recompile", lambda self: (compiled.append(self), recompile(self))[1])
    counts = []
    for blocks in (1, 8):
        compiled.clear()
        trace(Contexts(blocks), (torch.rand(3, 4),))
        counts.append(len(compiled))
    assert counts[0] == counts[1]
