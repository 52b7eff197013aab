"""Graphs without ``torch.no_grad()`` and ``torch.autocast``."""

from __future__ import annotations

import torch
from torch.amp.autocast_mode import _enter_autocast, _exit_autocast
from torch.fx.experimental.proxy_tensor import PreDispatchTorchFunctionMode
from torch.overrides import _get_current_function_mode_stack

_CONTEXTS = (torch._C._set_grad_enabled, _enter_autocast, _exit_autocast)


def forget_contexts() -> None:
    """Remove what the graph that is being traced notes about contexts; does nothing outside of a trace.

    Call it at the end of a forward pass. Afterwards gradients flow through the whole graph, and the graph runs in the
    precision of its inputs. If outputs of a module depend on autocast, the check after surgery detects it.

    Otherwise ``torch.export`` puts each context into a graph of its own. The time for that grows with the square of
    their number: rotary embeddings have two in each block.
    """
    for mode in _get_current_function_mode_stack():
        if isinstance(mode, PreDispatchTorchFunctionMode):
            graph = mode.tracer.graph
            for node in reversed(graph.nodes):  # the end of a context uses its beginning
                if node.target in _CONTEXTS:
                    graph.erase_node(node)
