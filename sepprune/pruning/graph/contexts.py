"""Graphs without the wrappers that ``torch.export`` puts around ``torch.no_grad()`` and ``torch.autocast``."""

from __future__ import annotations

from typing import Any

from torch import fx

#: name of a wrapper, and the position of the wrapped graph among its arguments; the graph's own arguments follow
_WRAPPERS = {"wrap_with_set_grad_enabled": 1, "wrap_with_autocast": 4}


def inline_contexts(graph_module: fx.GraphModule) -> None:
    """Replace every wrapper by the graph that it wraps, in place.

    Afterwards gradients flow through the whole graph, and the graph runs in the precision of its inputs. If outputs
    of a module depend on autocast, the check after surgery detects it.
    """
    graph = graph_module.graph
    changed = False
    for node in list(graph.nodes):
        position = _WRAPPERS.get(getattr(node.target, "__name__", "")) if node.op == "call_function" else None
        if position is None:
            continue
        wrapped = getattr(graph_module, node.args[position].target)
        inline_contexts(wrapped)
        inputs = [item for item in wrapped.graph.nodes if item.op == "placeholder"]
        mapping: dict[fx.Node, fx.Node] = dict(zip(inputs, node.args[position + 1 :], strict=True))
        with graph.inserting_before(node):
            outputs = graph.graph_copy(wrapped.graph, mapping)
        _replace(node, outputs)
        graph.erase_node(node)
        changed = True
    if changed:
        graph.eliminate_dead_code()
        graph_module.recompile()


def _replace(node: fx.Node, outputs: Any) -> None:
    """Let the users of a node use these outputs: one node, or a sequence of which every user takes one item."""
    if not isinstance(outputs, (tuple, list)):
        node.replace_all_uses_with(outputs)
        return
    for user in list(node.users):
        _, index = user.args
        if not isinstance(index, int):
            raise TypeError(f"{user} takes output {index!r} of a wrapped graph, expected an integer")
        user.replace_all_uses_with(outputs[index])
        user.graph.erase_node(user)
