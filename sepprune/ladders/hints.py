"""Hints: a pruned separator imitates the dense one layer by layer, in the channels that it has kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..pruning import PruningPlan


class Hints:
    """The distance between the features of a pruned separator and those of its teacher.

    Romero et al., "FitNets: hints for thin deep nets", ICLR 2015, let a layer of a thin student predict a layer of a
    wide teacher, through weights that are thrown away afterwards. No such weights are needed here: the channels of a
    pruned separator are some of the teacher's.

    Args:
        dense: the teacher.
        plan: what the pruned separator keeps of it.
        layers: names of layers whose inputs are compared, or patterns such as ``network.*.norm``. Layers that read the
            residual path serve best: their input is the sum of everything before.
        device: where the features will be; by default, where the teacher's weights are.

    Raises:
        UserError: no layer of the teacher has such a name, or the channels of such a layer are not known.
    """

    def __init__(
        self, dense: nn.Module, plan: PruningPlan, layers: Sequence[str], device: torch.device | None = None
    ) -> None:
        modules = dict(dense.named_modules())
        for pattern in layers:
            if not any(fnmatchcase(name, pattern) for name in modules):
                raise UserError(
                    f"`hints` names {pattern!r}, which fits no layer of {type(dense).__name__}: "
                    f"its layers are {', '.join(name for name in modules if name)}"
                )
        removed = tuple(f"{removal.module}." for removal in plan.removals)
        compared = [
            name
            for name in modules
            if any(fnmatchcase(name, pattern) for pattern in layers) and not name.startswith(removed)
        ]
        device = device or next((weight.device for weight in dense.parameters()), torch.device("cpu"))
        cuts = {(cut.tensor, cut.dimension): torch.tensor(cut.keep, device=device) for cut in plan.cuts}
        self._channels = {name: _kept_channels(name, modules[name], cuts) for name in compared}

    @property
    def layers(self) -> Collection[str]:
        """Names of the layers that are compared; blocks that pruning has removed are left out."""
        return self._channels.keys()

    def distance(self, features: Mapping[str, Tensor], lesson: Mapping[str, Tensor]) -> Tensor:
        """Squared error over the variance of the teacher's features, the mean over the layers; 0 where all are equal.

        Args:
            features: inputs of the pruned separator's layers, by layer name.
            lesson: inputs of the teacher's layers, by layer name.

        Returns:
            a scalar.
        """
        distances = []
        for name, channels in self._channels.items():
            wanted = lesson[name].float()
            if channels.kept is not None:
                wanted = wanted.index_select(channels.dimension, channels.kept)
            others = [axis for axis in range(wanted.ndim) if axis != channels.dimension % wanted.ndim]
            variance = (wanted - wanted.mean(others, keepdim=True)).square().mean()
            distances.append((features[name].float() - wanted).square().mean() / variance.clamp_min(1e-8))
        return torch.stack(distances).mean()


@dataclass(frozen=True)
class _KeptChannels:
    """Which channels of a layer's input the pruned separator keeps.

    Attributes:
        dimension: of the channels in the layer's input.
        kept: their indices among the teacher's channels, ``None`` where all are kept.
    """

    dimension: int
    kept: Tensor | None


def _kept_channels(name: str, layer: nn.Module, cuts: Mapping[tuple[str, int], Tensor]) -> _KeptChannels:
    """Kept input channels of a layer, from the cuts of the weight that reads them."""
    if isinstance(layer, nn.RNNBase):
        return _KeptChannels(-1, cuts.get((f"{name}.weight_ih_l0", 1)))
    if isinstance(layer, nn.Linear):
        return _KeptChannels(-1, cuts.get((f"{name}.weight", 1)))
    if isinstance(layer, nn.LayerNorm) and layer.weight is not None:
        return _KeptChannels(-1, cuts.get((f"{name}.weight", 0)))
    if isinstance(layer, nn.modules.conv._ConvNd) and layer.groups == 1:
        return _KeptChannels(1, cuts.get((f"{name}.weight", 0 if layer.transposed else 1)))
    if isinstance(layer, (nn.modules.batchnorm._NormBase, nn.GroupNorm)) and layer.weight is not None:
        return _KeptChannels(1, cuts.get((f"{name}.weight", 0)))
    raise UserError(
        f"`hints` names {name}, which is {type(layer).__name__}: name linear layers, convolutions without "
        "groups, norms with weights, or LSTMs"
    )
