"""Graphs without the wrappers that ``torch.export`` puts around ``torch.no_grad()`` and ``torch.autocast``."""

from __future__ import annotations

from typing import Any

from torch import fx

#: wrapper and the position of the wrapped graph among its arguments; the graph's own arguments follow
_WRAPPERS = {"wrap_with_set_grad_enabled": 1, "wrap_with_autocast": 4}


def inline_contexts(graph_module: fx.GraphModule) -> None:
    """Put wrapped graphs in the place of their wrappers, in place.

    Gradients of masks flow through the whole graph, and it runs in the precision of its inputs; a module whose
    outputs depend on autocast is found out when surgery is checked.
    """
    graph = graph_module.graph
    changed = False
    for node in list(graph.nodes):
        position = _WRAPPERS.get(getattr(node.target, "__name__", "")) if node.op == "call_function" else None
        if position is None:
            continue
        wrapped = getattr(graph_module, node.args[position].target)
        inline_contexts(wrapped)
        places = [item for item in wrapped.graph.nodes if item.op == "placeholder"]
        mapping: dict[fx.Node, fx.Node] = dict(zip(places, node.args[position + 1 :], strict=True))
        with graph.inserting_before(node):
            outputs = graph.graph_copy(wrapped.graph, mapping)
        _replace(node, outputs)
        graph.erase_node(node)
        changed = True
    if changed:
        graph.eliminate_dead_code()
        graph_module.recompile()


def _replace(node: fx.Node, outputs: Any) -> None:
    if not isinstance(outputs, (tuple, list)):
        node.replace_all_uses_with(outputs)
        return
    for user in list(node.users):
        user.replace_all_uses_with(outputs[user.args[1]])
        user.graph.erase_node(user)
