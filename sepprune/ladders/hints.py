"""Hints: a pruned student imitates its teacher layer by layer, in the channels that it has kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..errors import UserError

if TYPE_CHECKING:
    from ..pruning import PruningPlan


@dataclass(frozen=True)
class Lesson:
    """What a teacher says about a batch.

    Args:
        estimates: its sources, ``(batch, sources, samples)``.
        features: what arrived at its layers, by their names.
    """

    estimates: Tensor
    features: Mapping[str, Tensor]


@contextmanager
def arriving(model: nn.Module, layers: Collection[str]) -> Iterator[dict[str, Tensor]]:
    """What arrives at layers of a model while the block runs, by their names; of several passes the last."""
    features: dict[str, Tensor] = {}
    hooks = [
        model.get_submodule(name).register_forward_pre_hook(
            lambda _, inputs, name=name: features.__setitem__(name, inputs[0])
        )
        for name in layers
    ]
    try:
        yield features
    finally:
        for hook in hooks:
            hook.remove()


class Hints:
    """How far features of a pruned student are from its teacher's.

    Romero et al., "FitNets: hints for thin deep nets", ICLR 2015, let a layer of a thin student predict a layer of a
    wide teacher, through weights that are thrown away afterwards. Here none are needed: the channels of a pruned
    model are some of the teacher's.

    Args:
        dense: the teacher.
        plan: what the student keeps of it.
        layers: names of layers whose inputs are compared, or patterns such as ``network.*.norm``. Layers that read the
            residual path serve best: what arrives there is the sum of everything before.

    Raises:
        UserError: no layer of the teacher has such a name, or one is of a kind whose channels are not known.
    """

    def __init__(self, dense: nn.Module, plan: PruningPlan, layers: Sequence[str]) -> None:
        modules = dict(dense.named_modules())
        for pattern in layers:
            if not any(fnmatchcase(name, pattern) for name in modules):
                raise UserError(
                    f"`hints` names {pattern!r}, which fits no layer of {type(dense).__name__}: "
                    f"its layers are {', '.join(name for name in modules if name)}"
                )
        gone = tuple(f"{removal.module}." for removal in plan.removals)
        self._channels = {
            name: _channels(name, module)
            for name, module in modules.items()
            if any(fnmatchcase(name, pattern) for pattern in layers) and not name.startswith(gone)
        }
        cuts = {(cut.tensor, cut.dimension): torch.tensor(cut.keep) for cut in plan.cuts}
        self._kept = {
            name: cuts.get((f"{name}.{weight}", dimension)) for name, (weight, dimension, _) in self._channels.items()
        }

    @property
    def layers(self) -> Collection[str]:
        """Names of the layers that are compared; blocks that pruning has removed have none."""
        return self._channels

    def distance(self, features: Mapping[str, Tensor], lesson: Mapping[str, Tensor]) -> Tensor:
        """Squared error over the variance of the teacher's features, the mean over the layers: 0 where all agree.

        Args:
            features: what arrived at the student's layers.
            lesson: what arrived at the teacher's.
        """
        distances = []
        for name, (_, _, dimension) in self._channels.items():
            kept, wanted = self._kept[name], lesson[name].float()
            if kept is not None:
                kept = self._kept[name] = kept.to(wanted.device)  # moved once: CUDA graphs cannot
                wanted = wanted.index_select(dimension, kept)
            others = [axis for axis in range(wanted.ndim) if axis != dimension % wanted.ndim]
            variance = (wanted - wanted.mean(others, keepdim=True)).square().mean()
            distances.append((features[name].float() - wanted).square().mean() / variance.clamp_min(1e-8))
        return torch.stack(distances).mean()


def imitated(*students: Hints | None) -> set[str]:
    """Layers of a teacher that at least one of these students imitates."""
    return {layer for hints in students if hints for layer in hints.layers}


def _channels(name: str, layer: nn.Module) -> tuple[str, int, int]:
    """A layer's weight, its dimension that reads channels, and the dimension of the channels in what arrives."""
    if isinstance(layer, nn.RNNBase):
        return "weight_ih_l0", 1, -1
    if isinstance(layer, nn.Linear):
        return "weight", 1, -1
    if isinstance(layer, nn.LayerNorm) and layer.weight is not None:
        return "weight", 0, -1
    if isinstance(layer, nn.modules.conv._ConvNd) and layer.groups == 1:
        return "weight", 0 if layer.transposed else 1, 1
    if isinstance(layer, (nn.modules.batchnorm._NormBase, nn.GroupNorm)) and layer.weight is not None:
        return "weight", 0, 1
    raise UserError(
        f"`hints` names {name}, which is {type(layer).__name__}: name linear layers, convolutions without "
        "groups, norms with weights, or LSTMs"
    )
