"""Chunk time as a function of kept channels, from a table of measured layer times.

Every operation of the graph is timed in the dense model and with half of the channels. A line through the two times
gives a fixed part and a part that is proportional to the work. The time of dispatching an operation in Python is
subtracted, because compiled backends do not have it. A budget only needs how fast the times fall, and on which layers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx

from .arrays import Bools, Ints
from .cost import Cost
from .graph.flow import Flow, shape, sizes_of
from .graph.follow import follow, keeps_state
from .graph.trace import Trace, layer_of, trace
from .ptflops import Term
from .structure import Structure
from .surgery import cut

_REPEATS = 7


def time_cost(structure: Structure) -> Cost:
    """Seconds for one chunk as a function of kept channels.

    A causal separator is timed on a chunk of one hop, any other module on the structure's example. Threads are as
    torch is set.
    """
    flow = _chunk_flow(structure)
    half: Bools = np.concatenate([np.arange(size) < max(1, size // 2) for size in structure.sizes])
    counts = structure.counts(half)
    dense, pruned = _timed(flow.trace), _timed(trace(cut(structure, half), flow.trace.call))
    if len(dense) != len(pruned):  # the cut module runs other operations: only dense times are known
        pruned = dense
    terms: list[Term] = []
    overhead = _dispatch_time()
    for (node, full_time), (_, half_time) in zip(dense, pruned, strict=True):
        full_time, half_time = max(0.0, full_time - overhead), max(0.0, half_time - overhead)
        work = _work(flow, node)
        cost = Cost.of(structure, [(layer_of(node), constant, dims) for constant, dims in work])
        most, less = float(cost.total(structure.sizes)), float(cost.total(counts))
        slope = max(0.0, (full_time - half_time) / (most - less)) if most > less else 0.0
        slope = min(slope, full_time / most) if most else 0.0
        terms.append((layer_of(node), max(0.0, full_time - slope * most), ()))  # rounding alone could make it negative
        terms += [(layer_of(node), slope * constant, dims) for constant, dims in work if slope]
    return Cost.of(structure, terms)


def _chunk_flow(structure: Structure) -> Flow:
    """The graph for a chunk of one hop of a causal separator; of any other module the first graph."""
    hop = getattr(structure.module, "hop", None)
    call = structure.flows[0].trace.call
    if hop is None or not keeps_state(structure.module):
        return structure.flows[0]
    chunk = call.with_first(call.tensors[0][:1, :hop])
    return follow(structure.module, trace(structure.module, chunk), structure.flows[0])


def _work(flow: Flow, node: fx.Node) -> list[tuple[float, Sequence[Ints]]]:
    """What a node's time grows with: its multiply-adds, or the elements of its output."""
    products: list[tuple[float, Sequence[Ints]]] = [
        (product.constant, product.dims) for product in flow.products if product.node is node
    ]
    if products:
        return products
    dims = flow.dims.get(node)
    if isinstance(dims, tuple) and isinstance(node.meta.get("val"), Tensor) and len(dims) == len(shape(node)):
        return [(1.0, sizes_of(node, dims))]
    return []


class _Stopwatch(fx.Interpreter):
    """Records the shortest time of every operation."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.times: dict[fx.Node, float] = {}

    def run_node(self, node: fx.Node) -> Any:
        start = time.perf_counter()
        result = super().run_node(node)
        if node.op == "call_function":
            elapsed = time.perf_counter() - start
            self.times[node] = min(elapsed, self.times.get(node, elapsed))
        return result


def _timed(item: Trace) -> list[tuple[fx.Node, float]]:
    """Seconds of every operation."""
    watch = _Stopwatch(item.graph)
    with torch.no_grad():
        for _ in range(_REPEATS):
            watch.run(*item.inputs)
    return list(watch.times.items())


def _dispatch_time() -> float:
    """Seconds that an operation on one number takes."""
    graph = fx.Graph()
    source = graph.placeholder("x")
    node = source
    for _ in range(20):
        node = graph.call_function(torch.ops.aten.relu.default, (node,))
    graph.output(node)
    watch = _Stopwatch(fx.GraphModule(torch.nn.Module(), graph))
    with torch.no_grad():
        for _ in range(_REPEATS):
            watch.run(torch.zeros(1))
    return float(np.median(list(watch.times.values())))
