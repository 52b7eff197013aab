"""The graph of a module, with the places where sizes kept as module attributes enter it.

``torch.export`` gives the operations but forgets where a size came from: ``view(-1, self.hidden)`` becomes
``view([-1, 384])``. Surgery has to correct ``hidden``, and only ``hidden``. So the integers that modules keep are
replaced, on a copy and during the export, by integers that remember their origin; a function mode sees them arrive
at torch functions and notes them on the graph nodes that these functions become.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import operator
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.fx.traceback
from torch import Tensor, fx, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from ...errors import UserError
from .contexts import inline_contexts
from .recurrent_ops import restore, stand_in

#: a place in a module that holds an integer: module name, attribute name, then indices into tuples or lists
Place = tuple[str, str, tuple[int, ...]]


@dataclass(frozen=True)
class Size:
    """An integer that arrived at a torch function: its value, and how it follows from attributes."""

    value: int
    places: tuple[Place, ...]
    evaluate: Callable[[dict[Place, int]], int]

    @property
    def plain(self) -> bool:
        """Whether it is an attribute's own value, not calculated."""
        return len(self.places) == 1 and self.evaluate({self.places[0]: -7}) == -7


class _Remembering(int):
    """An integer that knows which attributes it was calculated from."""

    places: tuple[Place, ...]
    evaluate: Callable[[dict[Place, int]], int]

    @staticmethod
    def make(value: int, places: tuple[Place, ...], evaluate: Callable[[dict[Place, int]], int]) -> _Remembering:
        self = _Remembering(value)
        self.places, self.evaluate = places, evaluate
        return self

    def __deepcopy__(self, memo: dict) -> int:
        return int(self)

    def __reduce__(self) -> tuple:
        return int, (int(self),)


def _arithmetic(name: str, reflected: bool) -> Callable:
    plain = getattr(int, f"__{'r' if reflected else ''}{name}__")
    function = getattr(operator, name)

    def calculate(self: _Remembering, *others: Any) -> Any:
        result = plain(int(self), *(int(other) if isinstance(other, _Remembering) else other for other in others))
        if not isinstance(result, int):
            return result
        operands = (*others, self) if reflected else (self, *others)
        places = dict.fromkeys(place for item in operands if isinstance(item, _Remembering) for place in item.places)

        def evaluate(sizes: dict[Place, int]) -> int:
            return function(*(item.evaluate(sizes) if isinstance(item, _Remembering) else item for item in operands))

        return _Remembering.make(result, tuple(places), evaluate)

    return calculate


for _name in ("add", "sub", "mul", "floordiv", "mod"):
    setattr(_Remembering, f"__{_name}__", _arithmetic(_name, False))
    setattr(_Remembering, f"__r{_name}__", _arithmetic(_name, True))
_Remembering.__neg__ = _arithmetic("neg", False)  # type: ignore[method-assign]


class _NoteSizes(TorchFunctionMode):
    """Writes the remembering integers among a torch function's arguments on the nodes it becomes."""

    def __init__(self, notes: list[tuple[Size, ...]]) -> None:
        super().__init__()
        self.notes = notes

    def __torch_function__(self, func: Callable, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        func = stand_in(func, args) or func
        found = tuple(_sizes((args, kwargs)))
        if not found:
            result = func(*args, **kwargs)
            if func is torch.arange and all(type(item) is int for item in args):
                # often a list of dimensions in the making; without this its numbers are unknown while tracing
                result.tolist = lambda: list(range(*args))
            return result
        self.notes.append(found)
        with torch.fx.traceback.annotate({"sizes": len(self.notes) - 1}):
            return func(*args, **kwargs)


def _sizes(arguments: Any) -> Iterator[Size]:
    for leaf in tree_leaves(arguments):
        parts = (leaf.start, leaf.stop) if isinstance(leaf, slice) else (leaf,)
        for part in parts:
            if isinstance(part, _Remembering):
                yield Size(int(part), part.places, part.evaluate)


class _Traced(nn.Module):
    def __init__(self, module: nn.Module, notes: list[tuple[Size, ...]]) -> None:
        super().__init__()
        self.module, self.notes = module, notes

    def forward(self, *inputs: Any) -> Any:
        with _NoteSizes(self.notes):
            return self.module(*inputs)


@dataclass(frozen=True)
class Trace:
    """A module's graph in evaluation mode.

    Attributes:
        graph: runs like the module, at the shapes of ``inputs``; its tensors are the module's own.
        inputs: the example that was traced.
        tensors: parameter, buffer and tensor-attribute names of the module by the graph's attribute name.
        sizes: attribute sizes that arrive at a node.
    """

    graph: fx.GraphModule
    inputs: tuple[Any, ...]
    tensors: dict[str, str]
    sizes: dict[fx.Node, tuple[Size, ...]] = field(repr=False)


def trace(module: nn.Module, inputs: tuple[Any, ...]) -> Trace:
    """Export ``module`` as it is in evaluation mode.

    Raises:
        UserError: the module does not run on the inputs, or ``torch.export`` cannot follow it.
    """
    with torch.no_grad():
        subject = copy.deepcopy(module).eval()
        try:
            subject(*inputs)
        except Exception as error:
            raise UserError(
                f"{type(module).__name__} does not run on an example of shape {_shapes(inputs)}: "
                f"{_first_line(error)}; give an example_input that it accepts"
            ) from error
        notes: list[tuple[Size, ...]] = []
        _remember(subject)
        try:
            with _quiet(), torch.fx.traceback.preserve_node_meta():
                program = torch.export.export(_Traced(subject, notes), inputs, strict=False)
                graph = program.module(check_guards=False)
                restore(graph)
                inline_contexts(graph)
        except Exception as error:
            raise UserError(
                f"torch.export cannot follow {type(module).__name__}: {_first_line(error)}; "
                "its forward must not branch on values of tensors"
            ) from error
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
    path = stack[-1][0] if stack else ""
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


def tensor_attributes(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Parameters, buffers and plain tensor attributes by name; shared ones under every name."""
    for prefix, part in module.named_modules(remove_duplicate=False):
        for name, value in {**part._parameters, **part._buffers, **vars(part)}.items():
            if isinstance(value, Tensor):
                yield f"{prefix}.{name}" if prefix else name, value


def _share_tensors(graph: fx.GraphModule, module: nn.Module) -> dict[str, str]:
    """Point the graph's tensors at the module's own, and tell their names."""
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
        name = node.target.removeprefix("module.")
        if name not in own:
            name = _equal_tensor(operator.attrgetter(node.target)(graph), own)
        if name is None:
            continue
        names[node.target] = first_name[id(own[name])]
        *path, last = node.target.split(".")
        owner = graph.get_submodule(".".join(path))
        if last in owner._parameters and not isinstance(own[name], nn.Parameter):
            continue
        setattr(owner, last, own[name])
    return names


def _equal_tensor(constant: Any, own: dict[str, Tensor]) -> str | None:
    """The tensor attribute that export lifted as this constant: the only one that equals it."""
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


def _remember(module: nn.Module) -> None:
    """Replace the integers that the module and its parts keep by remembering ones."""
    for prefix, part in module.named_modules():
        for name, value in list(vars(part).items()):
            with contextlib.suppress(Exception):  # an attribute that refuses is left as it is
                replaced = _remembering(value, (prefix, name, ()))
                if replaced is not value:
                    setattr(part, name, replaced)


def _remembering(value: Any, place: Place) -> Any:
    if type(value) is int and value > 1:
        return _Remembering.make(value, (place,), lambda sizes: sizes.get(place, value))
    if type(value) in (tuple, list) and value and len(value) < 1000:
        parts = [_remembering(part, (*place[:2], (*place[2], index))) for index, part in enumerate(value)]
        if any(new is not old for new, old in zip(parts, value, strict=True)):
            return type(value)(parts)
    return value


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks about what it does not mind."""
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
