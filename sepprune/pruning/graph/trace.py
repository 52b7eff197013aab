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
from torch.utils._pytree import tree_flatten_with_path, tree_leaves

from ..calculated import copied
from ..checks import check_tensors, export_failure
from .call import Call
from .contexts import forget_contexts
from .recurrent_ops import restore
from .sizes import NoteSizes, Size, remember_origins
from .values import Noted, NoteValues


@dataclass(frozen=True)
class Trace:
    """A module's graph in evaluation mode.

    Attributes:
        graph: runs like the module, at the shapes of ``inputs``; its tensors are the module's own.
        call: the example that was traced.
        outputs: position or key of every output, those inside of a container under that of the container.
        tensors: parameter, buffer and tensor-attribute names of the module by the graph's attribute name.
        sizes: sizes from attributes, by the node that uses them.
        read: which of the inputs are whole numbers whose values the graph was made for, such as lengths.
    """

    graph: fx.GraphModule
    call: Call
    outputs: tuple[int | str, ...]
    tensors: dict[str, str]
    sizes: dict[fx.Node, tuple[Size | int, ...]] = field(repr=False)
    read: tuple[int, ...] = ()

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The tensors of the example, which are the inputs of the graph."""
        return self.call.tensors


class _Traced(nn.Module):
    """A module that records sizes while it runs; its inputs are the tensors of a call."""

    def __init__(self, module: nn.Module, call: Call, notes: list[tuple[Size | int, ...]], noted: Noted) -> None:
        super().__init__()
        self.module, self.call, self.notes, self.noted = module, call, notes, noted

    def forward(self, *tensors: Tensor) -> Any:
        with NoteSizes(self.notes, self.noted):
            result = self.call.run(self.module, tensors)
        forget_contexts()
        return result


def trace(module: nn.Module, inputs: tuple[Any, ...] | Call) -> Trace:
    """Export ``module`` in evaluation mode; the module itself is not changed.

    Args:
        module: any module.
        inputs: its positional arguments, or all of its arguments.

    Raises:
        UserError: the module does not run on the inputs, or ``torch.export`` cannot follow it.
    """
    call = inputs if isinstance(inputs, Call) else Call.of(inputs)
    with torch.no_grad():
        subject = copied(module).eval()
        try:
            with NoteValues((value for _, value in tensor_attributes(subject)), call.tensors) as values:
                result = call.run(subject)
        except Exception as error:
            raise call.failure(module, _first_line(error)) from error
        returned = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        check_tensors(
            returned, f"the outputs of {type(module).__name__}", "give a module and an example that return some"
        )
        notes: list[tuple[Size | int, ...]] = []
        remember_origins(subject)
        try:
            with _quiet(), torch.fx.traceback.preserve_node_meta():
                program = torch.export.export(_Traced(subject, call, notes, values.noted), call.tensors, strict=False)
                graph = program.module(check_guards=False)
                if not isinstance(graph, fx.GraphModule):
                    raise TypeError(f"the exporter returned {type(graph).__name__}")
                restore(graph)
                if values.noted and graph.graph.eliminate_dead_code():  # what only such numbers needed
                    graph.recompile()
                _check_sizes(graph)
        except Exception as error:
            raise export_failure(module, error) from error
    kept = _kept_values(graph, module, subject, call, returned)
    tensors = _share_tensors(graph, module, kept)
    sizes = {
        node: notes[node.meta["custom"]["sizes"]]
        for node in graph.graph.nodes
        if "sizes" in node.meta.get("custom", {})
    }
    return Trace(graph, call, _output_keys(result), tensors, sizes, tuple(sorted(values.read)))


def _check_sizes(graph: fx.GraphModule) -> None:
    """Refuse a graph in which the size of a tensor is not known.

    Raises:
        ValueError: a size depends on values of a tensor.
    """
    for node in graph.graph.nodes:
        value = node.meta.get("val")
        sizes = [value.shape] if isinstance(value, Tensor) else []
        sizes += [item.shape for item in value if isinstance(item, Tensor)] if isinstance(value, (list, tuple)) else []
        if any(isinstance(size, torch.SymInt) and size.node.maybe_as_int() is None for item in sizes for size in item):
            raise ValueError(f"the size of a result of {node.target} depends on values of a tensor")


def _output_keys(result: Any) -> tuple[int | str, ...]:
    """Position or key of every output in what a module returns."""
    keys: list[int | str] = []
    for path, _ in tree_flatten_with_path(result)[0]:
        first = path[0] if path else None
        keys.append(getattr(first, "idx", getattr(first, "key", getattr(first, "name", 0))))
    return tuple(keys)


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
    Empty for tensors of the traced module itself.
    """
    path = tensor.rpartition(".")[0]
    return f".{path}".partition(".parametrizations.")[0].removeprefix(".")


def label_of(tensor: str) -> str:
    """Name of the layer that a tensor belongs to; of the tensor itself where the traced module keeps it.

    >>> label_of("encoder.weight"), label_of("table")
    ('encoder', 'table')
    """
    return owner_of(tensor) or tensor.removeprefix("parametrizations.").partition(".")[0]


def tensor_attributes(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers and plain tensor attributes by name; shared ones under every name."""
    for prefix, part in module.named_modules(remove_duplicate=False):
        for name, value in {**part._parameters, **part._buffers, **vars(part)}.items():
            if isinstance(value, Tensor):
                yield f"{prefix}.{name}" if prefix else name, value


@torch.no_grad()
def _kept_values(
    graph: fx.GraphModule, module: nn.Module, subject: nn.Module, call: Call, returned: list[Tensor]
) -> frozenset[str]:
    """Names of tensors whose values the graph keeps, since it would compute something else with the module's own.

    A module can write a table when it is first called, and note in a plain number that the table is filled. The number
    is part of the graph, but the module itself, which was never called, has an empty table.

    Args:
        graph: with the tensors of ``subject``.
        module: the module as the user gave it.
        subject: a copy that was called once.
        call: the example.
        returned: the tensors that the call returned.
    """
    after = dict(tensor_attributes(subject))
    written = {
        name: value
        for name, value in tensor_attributes(module)
        if not isinstance(value, nn.Parameter) and not torch.equal(value, after.get(name, value))
    }
    held = [(str(node.target), attribute_of(node)) for node in graph.graph.nodes if node.op == "get_attr"]
    held = [(target, value) for target, value in held if target.removeprefix("module.") in written]
    if not held:
        return frozenset()
    for target, _ in held:
        _set(graph, target, written[target.removeprefix("module.")].clone())
    own_will_do = _returns(graph, call, returned)
    for target, value in held:
        _set(graph, target, value)
    return frozenset() if own_will_do else frozenset(target for target, _ in held)


def _returns(graph: fx.GraphModule, call: Call, expected: list[Tensor]) -> bool:
    """Whether a graph runs on the example and returns these tensors, apart from rounding."""
    try:
        outputs = [leaf for leaf in tree_leaves(graph(*call.tensors)) if isinstance(leaf, Tensor)]
    except Exception:  # an index from an empty table, say
        return False
    return all(torch.allclose(one, other, 1e-3, 1e-5) for one, other in zip(outputs, expected, strict=True))


def _set(graph: fx.GraphModule, target: str, value: Tensor) -> None:
    *path, last = target.split(".")
    setattr(graph.get_submodule(".".join(path)), last, value)


def _share_tensors(graph: fx.GraphModule, module: nn.Module, kept: frozenset[str]) -> dict[str, str]:
    """Let the graph use the module's own tensors, except those in ``kept``.

    Returns:
        Names of all of them in the module, by the graph's names.
    """
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
        path, _, last = target.rpartition(".")
        is_parameter = last in graph.get_submodule(path)._parameters
        if target not in kept and (isinstance(own[found], nn.Parameter) or not is_parameter):
            _set(graph, target, own[found])
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


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
