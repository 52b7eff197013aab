"""Where the computation goes: parameters and multiply-adds, by module and by channel group.

Costs are exact functions of how many channels every group keeps: a convolution's multiply-adds are bilinear in what
is kept of its inputs and outputs. Budgets are met on these functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .graph.labels import Reason
from .graph.trace import layer_of
from .ptflops import ptflops_terms
from .structure import Structure


@dataclass(frozen=True)
class Cost:
    """A sum of products of dimension sizes, each size affine in the kept channels of the groups.

    Attributes:
        constants: factor of every term.
        factors: rows of ``sizes`` that a term multiplies, padded with row 0, the constant one.
        sizes: every dimension that occurs: its fixed part, then what a channel of each group adds.
        layers: the layer of every term.
    """

    constants: np.ndarray
    factors: np.ndarray
    sizes: np.ndarray
    layers: tuple[str, ...]

    @staticmethod
    def of(structure: Structure, terms: Sequence[tuple[str, float, Sequence[np.ndarray]]]) -> Cost:
        """From terms ``(layer, constant, labels of every dimension)``."""
        rows: dict[bytes, int] = {}
        sizes: list[np.ndarray] = []

        def row(values: np.ndarray) -> int:
            key = values.tobytes()
            if key not in rows:
                rows[key] = len(sizes)
                sizes.append(values)
            return rows[key]

        groups = len(structure.groups)
        group_of = np.concatenate([[0], structure.group_of + 1])
        row(np.eye(1, groups + 1)[0])
        factors = []
        for _, _, dims in terms:
            indices = []
            for vector in dims:
                numbers = structure.numbered(vector)
                counts = np.zeros(groups + 1)
                if numbers is None:
                    counts[0] = len(vector)
                else:
                    counts += np.bincount(group_of[numbers], minlength=groups + 1)
                    counts[1:] /= structure.sizes
                indices.append(row(counts))
            factors.append(indices)
        width = max((len(indices) for indices in factors), default=1)
        padded = np.array([indices + [0] * (width - len(indices)) for indices in factors], dtype=np.int64)
        return Cost(
            np.array([constant for _, constant, _ in terms], dtype=np.float64),
            padded.reshape(len(terms), width),
            np.array(sizes),
            tuple(layer for layer, _, _ in terms),
        )

    def by_term(self, kept: np.ndarray) -> np.ndarray:
        """Cost of every term when groups keep so many channels; ``kept`` is ``(..., groups)``."""
        sizes = self.sizes[:, 0] + kept @ self.sizes[:, 1:].T
        return self.constants * sizes[..., self.factors].prod(-1)

    def total(self, kept: np.ndarray) -> np.ndarray:
        return self.by_term(np.asarray(kept, dtype=np.float64)).sum(-1)

    def outside(self, modules: Sequence[str], kept: np.ndarray) -> float:
        """The total without what is inside of these modules."""
        inside = tuple(f"{module}." for module in modules)
        left = np.array([not f"{layer}.".startswith(inside) for layer in self.layers], dtype=bool)
        return float(self.by_term(np.asarray(kept, dtype=np.float64))[left].sum())

    def marginal(self, kept: np.ndarray) -> np.ndarray:
        """What one channel of each group adds to the total, at these numbers of kept channels."""
        kept = np.asarray(kept, dtype=np.float64)
        # terms are at most quadratic or so in a group, so central differences of one channel are close to exact
        steps = np.eye(len(kept)) * 0.5
        return self.total(kept + steps) - self.total(kept - steps)


def params_cost(structure: Structure) -> Cost:
    """Parameters as a function of kept channels. Shared parameters count once, those unused in forward too."""
    terms: list[tuple[str, float, Sequence[np.ndarray]]] = []
    followed = structure.flows[0].parameters
    names = {id(value): name for name, value in reversed(list(structure.module.named_parameters()))}
    for value in structure.module.parameters():
        name = names[id(value)]
        dims = followed.get(name, (None,) * value.dim())
        terms.append(
            (
                name.rpartition(".")[0],
                1.0,
                [
                    np.zeros(size, dtype=np.int64) if vector is None else vector
                    for vector, size in zip(dims, value.shape, strict=True)
                ],
            )
        )
    return Cost.of(structure, terms)


def macs_cost(structure: Structure, seconds: float, like_ptflops: bool = False) -> Cost:
    """Multiply-adds per second of audio as a function of kept channels.

    Convolutions, matrix products, attention and recurrent layers are counted.

    Args:
        structure: the channel groups.
        seconds: length of the example that was traced first.
        like_ptflops: count as :mod:`~sepprune.pruning.ptflops` does.
    """
    flow = structure.flows[0]
    if like_ptflops:
        return Cost.of(structure, list(ptflops_terms(flow, seconds)))
    return Cost.of(
        structure, [(layer_of(product.node), product.constant / seconds, product.dims) for product in flow.products]
    )


@dataclass(frozen=True)
class Analysis:
    """Where a module's computation goes.

    Attributes:
        params: number of parameters.
        macs_per_second: multiply-adds of convolutions and matrix products per second of audio.
        macs_per_second_ptflops: the same as ptflops counts them, see :mod:`~sepprune.pruning.ptflops`.
        modules: ``{name, params, macs_per_second, share}`` of every layer with either, heaviest first.
        groups: ``{id, channels, macs_per_second, params, layers}``: what depends on a group's channels.
        blocked: ``(layer, op, why)`` of channels that cannot be pruned safely.
    """

    params: int
    macs_per_second: float
    macs_per_second_ptflops: float
    modules: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    blocked: tuple[Reason, ...]


def analysis_of(structure: Structure, seconds: float, like_ptflops: bool = False) -> Analysis:
    """Count parameters and multiply-adds of a module whose groups are known.

    Args:
        structure: the channel groups.
        seconds: length of the example that was traced first.
        like_ptflops: whether the MACs of modules and groups are ptflops' too.
    """
    params, bare, published = params_cost(structure), macs_cost(structure, seconds), macs_cost(structure, seconds, True)
    macs, full = published if like_ptflops else bare, structure.sizes
    total_params, total_macs = float(params.total(full)), float(macs.total(full))
    by_layer: dict[str, list[float]] = {}
    for index, cost in enumerate((params, macs)):
        for layer, value in zip(cost.layers, cost.by_term(full), strict=True):
            by_layer.setdefault(layer, [0.0, 0.0])[index] += value
    modules = [
        {
            "name": layer or type(structure.module).__name__,
            "params": round(own_params),
            "macs_per_second": float(own_macs),
            "share": float(own_macs / max(total_macs, 1.0)),
        }
        for layer, (own_params, own_macs) in sorted(by_layer.items(), key=lambda item: -item[1][1])
    ]
    without = full - np.diag(full)
    groups = [
        {
            "id": group.id,
            "channels": group.channels,
            "macs_per_second": total_macs - float(rest_macs),
            "params": round(total_params - float(rest_params)),
            "layers": list(group.layers),
        }
        for group, rest_macs, rest_params in zip(
            structure.groups, macs.total(without), params.total(without), strict=True
        )
    ]
    return Analysis(
        round(total_params), float(bare.total(full)), float(published.total(full)), modules, groups, structure.blocked
    )
