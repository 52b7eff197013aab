"""Layers that the non-causal separators share: filterbank with masks, convolutions with global norms, unfolding."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


def global_norm(channels: int) -> nn.GroupNorm:
    """Global layer norm: statistics over all channels and all time of one mixture."""
    return nn.GroupNorm(1, channels, eps=1e-8)


def stretch(coarse: Tensor, fine: Tensor) -> Tensor:
    """``coarse`` repeated in time until it has as many frames as ``fine``."""
    return F.interpolate(coarse, size=fine.shape[-1], mode="nearest")


class ConvNorm(nn.Module):
    """Convolution that keeps the number of frames (or divides it by ``stride``), then a global norm.

    Shape:
        - input: ``(batch, inputs, frames)``; output: ``(batch, outputs, frames / stride)``
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, bias: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2, groups=groups, bias=bias)
        self.norm = global_norm(outputs)

    def forward(self, features: Tensor) -> Tensor:
        normed: Tensor = self.norm(self.conv(features))
        return normed


class ConvNormAct(ConvNorm):
    """Pointwise :class:`ConvNorm` with a PReLU of one slope."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.activation = nn.PReLU()

    def forward(self, features: Tensor) -> Tensor:
        activated: Tensor = self.activation(super().forward(features))
        return activated


class Pyramid(nn.Module):
    """The encoder that the three families share: expand, then halve the frame rate from scale to scale.

    Args:
        bottleneck: channels of the residual path.
        hidden: channels of every scale.
        scales: number of scales; scale ``k`` has ``2 ** k`` times fewer frames than the input.

    Shape:
        - input: ``(batch, bottleneck, frames)``; output: one ``(batch, hidden, frames / 2 ** k)`` a scale
    """

    def __init__(self, bottleneck: int, hidden: int, scales: int) -> None:
        super().__init__()
        self.expand = ConvNormAct(bottleneck, hidden)
        self.stages = nn.ModuleList(
            ConvNorm(hidden, hidden, kernel=5, stride=1 if scale == 0 else 2, groups=hidden) for scale in range(scales)
        )

    def forward(self, features: Tensor) -> list[Tensor]:
        hidden, scales = self.expand(features), []
        for stage in self.stages:
            hidden = stage(hidden)
            scales.append(hidden)
        return scales


class Unfolded(nn.Module):
    """One block applied repeatedly to its own output plus the input: depth without more parameters.

    Args:
        block: maps ``(batch, bottleneck, frames)`` to the same shape.
        bottleneck: channels of the residual path.
        iterations: how often the block is applied.
    """

    def __init__(self, block: nn.Module, bottleneck: int, iterations: int) -> None:
        super().__init__()
        self.block, self.iterations = block, iterations
        self.blend = nn.Sequential(nn.Conv1d(bottleneck, bottleneck, 1, groups=bottleneck), nn.PReLU())

    def forward(self, features: Tensor) -> Tensor:
        hidden: Tensor = self.block(features)
        for _ in range(self.iterations - 1):
            hidden = self.block(self.blend(features + hidden))
        return hidden


class MaskingSeparator(nn.Module):
    """Learned filterbank, one non-negative mask a source, learned synthesis: what surrounds the network of a family.

    A family sets :attr:`network`, which maps ``(batch, bottleneck, frames)`` to the same shape. Frames are centred
    on their hops. The mixture is padded with zeros to whole frames of the coarsest scale, and the sources are cut
    back, so any length will do.

    Args:
        bottleneck: channels of the residual path.
        scales: number of scales of the network.
        basis: filters of the filterbank.
        window: samples under one filter.
        hop: samples between two frames.
        sources: number of sources.

    Raises:
        ValueError: the window is shorter than the hop.
    """

    network: nn.Module

    def __init__(self, bottleneck: int, scales: int, basis: int, window: int, hop: int, sources: int) -> None:
        super().__init__()
        if window < hop:
            raise ValueError(
                f"a window of {window} samples leaves gaps between frames that are {hop} samples apart: "
                "use a window at least as long as the hop"
            )
        self.sources, self.hop, self.window = sources, hop, window
        self.granule = hop * 2 ** (scales - 1)
        padding = (window - hop + 1) // 2
        self.encoder = nn.Conv1d(1, basis, window, stride=hop, padding=padding, bias=False)
        self.norm = global_norm(basis)
        self.bottleneck = nn.Conv1d(basis, bottleneck, 1)
        self.activation = nn.PReLU()
        self.mask = nn.Conv1d(bottleneck, sources * basis, 1)
        self.decoder = nn.ConvTranspose1d(
            sources * basis,
            sources,
            window,
            stride=hop,
            padding=padding,
            output_padding=hop + 2 * padding - window,
            bias=False,
        )
        for filters in (self.encoder, self.decoder):
            nn.init.xavier_uniform_(filters.weight)

    def forward(self, mixture: Tensor) -> Tensor:
        """Separate whole mixtures.

        Shape:
            - mixture: ``(batch, samples)``
            - sources: ``(batch, sources, samples)``
        """
        samples = mixture.shape[-1]
        spectrum = self.encoder(F.pad(mixture, (0, -samples % self.granule)).unsqueeze(1))
        hidden = self.network(self.bottleneck(self.norm(spectrum)))
        masks = self.mask(self.activation(hidden)).relu().unflatten(1, (self.sources, -1))
        masked = masks * spectrum.unsqueeze(1)
        sources: Tensor = self.decoder(masked.flatten(1, 2))
        return sources[..., :samples]
