"""The floor under a level's chunk time: its multiply-adds as bare matrix products, and nothing else."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..streaming import Ladder
from ..streaming.runner import call_samples

if TYPE_CHECKING:
    from ..separators import CausalSeparator


def measurable() -> bool:
    """Whether what the floor needs is installed: torch counts the products, threadpoolctl keeps them on one thread."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "threadpoolctl"))


def floor_of(ladder: Ladder, level: int, chunk: int) -> Callable[[], None]:
    """A function that computes the matrix products of one chunk, each with weights of its own.

    The products are numpy's: torch takes longer over products this small, and a floor must be as low as possible.

    Args:
        ladder: the levels.
        level: number of the level.
        chunk: samples, whole hops.
    """
    from ..separators import CausalSeparator

    module, samples = ladder.build(level), call_samples(ladder, ladder[level], chunk)
    if not isinstance(module, CausalSeparator):
        raise TypeError(f"level {level} is a {type(module).__name__}; the levels of a ladder are causal separators")
    random = np.random.default_rng(0)
    operands = [
        (
            random.standard_normal((rows, inner), np.float32),
            random.standard_normal((inner, columns), np.float32),
            np.empty((rows, columns), np.float32),
        )
        for rows, inner, columns in matrix_products(module, samples)
    ]
    calls = range(chunk // samples)

    def run() -> None:
        for _ in calls:
            for weight, given, out in operands:
                np.matmul(weight, given, out=out)

    return run


def matrix_products(module: CausalSeparator, samples: int) -> list[tuple[int, int, int]]:
    """The multiply-adds of one step as matrix products ``(rows, inner, columns)``; columns are frames.

    A depthwise convolution, which is no matrix product, counts as one product of as many multiply-adds.

    Args:
        module: a level.
        samples: of the step, whole hops.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    products: list[tuple[int, int, int]] = []

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = function(*args, **(kwargs or {}))
            products.extend(_products_of(function.overloadpacket.__name__, args, result))
            return result

    # without mkldnn an LSTM is computed by the matrix products that it consists of
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # setting the flag warns about settings of GPUs
        recorder = Recorder()  # type: ignore[no-untyped-call]  # as above
        with torch.backends.mkldnn.flags(enabled=False), recorder:
            module.step(torch.zeros(1, samples), module.initial_state(1))
    return products


def _products_of(operation: str, args: Any, result: Any) -> list[tuple[int, int, int]]:
    """Matrix products of one ATen operation; arguments are those of the operation, whose types torch does not tell."""
    if operation == "convolution":
        given, weight, transposed, groups = args[0], args[1], args[6], args[8]
        frames = given.shape[0] * (given if transposed else result).shape[-1]
        if transposed and groups == 1:
            return [(weight[0].numel(), weight.shape[0], frames)]
        return [(weight.shape[0], weight[0].numel(), frames)]
    if operation in ("mm", "addmm"):
        first, second = args[-2:]
        return [(second.shape[1], second.shape[0], first.shape[0])]
    if operation == "bmm":
        return [(args[1].shape[2], args[1].shape[1], args[0].shape[1])] * args[0].shape[0]
    return []
