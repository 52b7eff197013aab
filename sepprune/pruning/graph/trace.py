"""The graph of a module, made by ``torch.export``, and names of the layers and tensors in it."""

from __future__ import annotations

import contextlib
import io
import logging
import operator
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.fx.traceback
from torch import Tensor, fx, nn

from ...errors import UserError
from ..calculated import copied
from ..checks import export_failure
from .contexts import inline_contexts
from .recurrent_ops import restore
from .sizes import NoteSizes, Size, remember_origins


@dataclass(frozen=True)
class Trace:
    """A module's graph in evaluation mode.

    Attributes:
        graph: runs like the module, at the shapes of ``inputs``; its tensors are the module's own.
        inputs: the example that was traced.
        tensors: parameter, buffer and tensor-attribute names of the module by the graph's attribute name.
        sizes: sizes from attributes, by the node that uses them.
    """

    graph: fx.GraphModule
    inputs: tuple[Any, ...]
    tensors: dict[str, str]
    sizes: dict[fx.Node, tuple[Size, ...]] = field(repr=False)


class _Traced(nn.Module):
    """A module that records sizes while it runs."""

    def __init__(self, module: nn.Module, notes: list[tuple[Size, ...]]) -> None:
        super().__init__()
        self.module, self.notes = module, notes

    def forward(self, *inputs: Any) -> Any:
        with NoteSizes(self.notes):
            return self.module(*inputs)


def trace(module: nn.Module, inputs: tuple[Any, ...]) -> Trace:
    """Export ``module`` in evaluation mode; the module itself is not changed.

    Raises:
        UserError: the module does not run on the inputs, or ``torch.export`` cannot follow it.
    """
    with torch.no_grad():
        subject = copied(module).eval()
        try:
            subject(*inputs)
        except Exception as error:
            raise UserError(
                f"{type(module).__name__} does not run on an example of shape {_shapes(inputs)}: "
                f"{_first_line(error)}; give an example_input that it accepts"
            ) from error
        notes: list[tuple[Size, ...]] = []
        remember_origins(subject)
        try:
            with _quiet(), torch.fx.traceback.preserve_node_meta():
                program = torch.export.export(_Traced(subject, notes), inputs, strict=False)
                graph = program.module(check_guards=False)
                if not isinstance(graph, fx.GraphModule):
                    raise TypeError(f"the exporter returned {type(graph).__name__}")
                restore(graph)
                inline_contexts(graph)
        except Exception as error:
            raise export_failure(module, error) from error
    tensors = _share_tensors(graph, module)
    sizes = {
        node: notes[node.meta["custom"]["sizes"]]
        for node in graph.graph.nodes
        if "sizes" in node.meta.get("custom", {})
    }
    return Trace(graph, inputs, tensors, sizes)


def layer_of(node: fx.Node) -> str:
    """Name of the innermost submodule that a node belongs to; empty for the module itself."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    path: str = stack[-1][0] if stack else ""
    return path.removeprefix("module").removeprefix(".").split("@")[0]


def modules_of(node: fx.Node) -> tuple[str, ...]:
    """Names of the submodules that a node belongs to, outermost first; later calls of a module end in ``@1``, ..."""
    stack = node.meta.get("nn_module_stack", {}).values()
    return tuple(path.removeprefix("module").removeprefix(".") for path, _ in stack)


def class_of(node: fx.Node) -> str:
    """Name of the class of the innermost submodule that a node belongs to, as ``torch.nn.modules.linear.Linear``."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    kind = stack[-1][1] if stack else ""
    return kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"


def attribute_of(node: fx.Node) -> Any:
    """The value of a ``get_attr`` node, as its graph holds it now."""
    return operator.attrgetter(str(node.target))(node.graph.owning_module)


def owner_of(tensor: str) -> str:
    """Name of the layer that a tensor belongs to, by the tensor's name.

    Tensors from which ``torch.nn.utils.parametrize`` calculates a weight belong to the layer with that weight.
    """
    path = tensor.rpartition(".")[0]
    return f".{path}".partition(".parametrizations.")[0].removeprefix(".")


def tensor_attributes(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers and plain tensor attributes by name; shared ones under every name."""
    for prefix, part in module.named_modules(remove_duplicate=False):
        for name, value in {**part._parameters, **part._buffers, **vars(part)}.items():
            if isinstance(value, Tensor):
                yield f"{prefix}.{name}" if prefix else name, value


def _share_tensors(graph: fx.GraphModule, module: nn.Module) -> dict[str, str]:
    """Let the graph use the module's own tensors. Returns their names in the module by the graph's names."""
    own: dict[str, Tensor] = {}
    for name, value in tensor_attributes(module):
        own.setdefault(name, value)
    first_name: dict[int, str] = {}
    for name, value in own.items():
        first_name.setdefault(id(value), name)
    names: dict[str, str] = {}
    for node in graph.graph.nodes:
        if node.op != "get_attr":
            continue
        target = str(node.target)
        plain = target.removeprefix("module.")
        found = plain if plain in own else _equal_tensor(operator.attrgetter(target)(graph), own)
        if found is None:
            continue
        names[target] = first_name[id(own[found])]
        *path, last = target.split(".")
        owner = graph.get_submodule(".".join(path))
        if last in owner._parameters and not isinstance(own[found], nn.Parameter):
            continue
        setattr(owner, last, own[found])
    return names


def _equal_tensor(constant: Any, own: dict[str, Tensor]) -> str | None:
    """The tensor attribute that the export turned into this constant: the only one that equals it."""
    if not isinstance(constant, Tensor) or constant.numel() < 2:
        return None
    same = [
        name
        for name, value in own.items()
        if not isinstance(value, nn.Parameter)
        and value.shape == constant.shape
        and value.dtype == constant.dtype
        and torch.equal(value, constant)
    ]
    return same[0] if len({id(own[name]) for name in same}) == 1 else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the exporter's log messages and warnings."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _shapes(inputs: tuple[Any, ...]) -> str:
    return ", ".join(str(tuple(item.shape)) if isinstance(item, Tensor) else repr(item) for item in inputs)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
