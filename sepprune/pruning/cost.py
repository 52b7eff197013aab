"""Parameters and multiply-adds, by module and by channel group.

Costs are exact functions of how many channels every group keeps. For example, the multiply-adds of a convolution are
bilinear in its kept input and output channels. Budgets are met on these functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .accounts import without_channels
from .arrays import Floats, Ints
from .graph.flow import size_of
from .graph.labels import Reason
from .graph.trace import layer_of, owner_of
from .ptflops import Term, ptflops_terms
from .ratios import first_alike
from .structure import Structure


@dataclass(frozen=True)
class Cost:
    """A sum of products of dimension sizes, each size affine in the kept channels of the groups.

    Attributes:
        constants: factor of every term.
        factors: rows of ``sizes`` that a term multiplies, padded with row 0, the constant one.
        sizes: one row per different dimension: its fixed part, then what a channel of each group adds.
        layers: the layer of every term.
    """

    constants: Floats
    factors: Ints
    sizes: Floats
    layers: tuple[str, ...]

    @staticmethod
    def of(structure: Structure, terms: Sequence[Term]) -> Cost:
        """The sum of these terms."""
        rows: dict[bytes, int] = {}
        sizes: list[Floats] = []

        def row(values: Floats) -> int:
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

    def by_term(self, kept: Ints | Floats) -> Floats:
        """Cost of every term.

        Shape:
            - kept: ``(..., groups)``, kept channels of every group
            - result: ``(..., terms)``
        """
        sizes = self.sizes[:, 0] + np.asarray(kept, dtype=np.float64) @ self.sizes[:, 1:].T
        return np.asarray(self.constants * sizes[..., self.factors].prod(-1))

    def total(self, kept: Ints | Floats) -> Floats:
        """Sum over the terms.

        Shape:
            - kept: ``(..., groups)``, kept channels of every group
            - result: ``(...)``
        """
        return np.asarray(self.by_term(kept).sum(-1))

    def outside(self, modules: Sequence[str], kept: Ints) -> float:
        """The total without the layers inside of these modules."""
        inside = tuple(f"{module}." for module in modules)
        left = np.array([not f"{layer}.".startswith(inside) for layer in self.layers], dtype=bool)
        return float(self.by_term(kept)[left].sum())


def params_cost(structure: Structure) -> Cost:
    """Parameters as a function of kept channels. Shared ones count once; those that forward does not use count too."""
    terms: list[Term] = []
    followed = structure.flows[0].parameters
    names = {id(value): name for name, value in reversed(list(structure.module.named_parameters()))}
    for value in structure.module.parameters():
        name = names[id(value)]
        dims = followed.get(name, (None,) * value.dim())
        terms.append(
            (
                owner_of(name),
                1.0,
                [size_of(vector, size) for vector, size in zip(dims, value.shape, strict=True)],
            )
        )
    return Cost.of(structure, terms)


def channels_cost(structure: Structure) -> Cost:
    """Number of kept channels."""
    number = len(structure.groups)
    return Cost(
        np.ones(number),
        np.arange(1, number + 1, dtype=np.int64)[:, None],
        np.concatenate([np.eye(1, number + 1), np.eye(number, number + 1, 1)]),
        tuple(group.id for group in structure.groups),
    )


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
    """Cost of a module's layers and channel groups.

    Attributes:
        params: number of parameters.
        macs_per_second: multiply-adds of convolutions and matrix products per second of audio.
        macs_per_second_ptflops: the same as ptflops counts them, see :mod:`~sepprune.pruning.ptflops`.
        modules: ``{name, params, macs_per_second, share}`` of every layer that has either cost, heaviest first.
        groups: ``{id, channels, unit, macs_per_second, params, layers, alike}``: how many channels can be dropped;
            how many channels of the layer ``id`` each of them stands for (more than 1 where they can only be dropped
            together, as those of one group of a grouped convolution); the cost that depends on them; and the first
            group that is like it (the same place in repeated blocks).
        blocked: ``(layer, op, why)`` for channels that cannot be pruned safely.
        without_channels: layers that have none, because each of their parameters is a single number. Every other layer
            with parameters is in ``groups`` or ``blocked``.
    """

    params: int
    macs_per_second: float
    macs_per_second_ptflops: float
    modules: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    blocked: tuple[Reason, ...]
    without_channels: tuple[str, ...]


def analysis_of(structure: Structure, seconds: float, like_ptflops: bool = False) -> Analysis:
    """Count parameters and multiply-adds of a module whose groups are known.

    Args:
        structure: the channel groups.
        seconds: length of the example that was traced first.
        like_ptflops: whether the MACs of modules and groups are also counted as ptflops does.
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
            "unit": group.unit,
            "macs_per_second": total_macs - float(rest_macs),
            "params": round(total_params - float(rest_params)),
            "layers": list(group.layers),
            "alike": structure.groups[like].id,
        }
        for group, like, rest_macs, rest_params in zip(
            structure.groups, first_alike(structure), macs.total(without), params.total(without), strict=True
        )
    ]
    return Analysis(
        round(total_params),
        float(bare.total(full)),
        float(published.total(full)),
        modules,
        groups,
        structure.blocked,
        tuple(without_channels(structure.module)),
    )
