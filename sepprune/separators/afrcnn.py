"""A-FRCNN: an asynchronous fully recurrent convolutional network, non-causal."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .blocks import ConvNorm, ConvNormAct, MaskingSeparator, Pyramid, Unfolded, stretch


class RecurrentBlock(nn.Module):
    """Scales that exchange features with their neighbours, then are all merged at the finest.

    Shape:
        - input and output: ``(batch, bottleneck, frames)``
    """

    def __init__(self, bottleneck: int, hidden: int, scales: int) -> None:
        super().__init__()
        self.pyramid = Pyramid(bottleneck, hidden, scales)
        self.lateral = nn.ModuleList(
            ConvNorm(hidden, hidden, kernel=5, stride=2, groups=hidden) for _ in range(scales - 1)
        )
        neighbours = [(scale > 0) + (scale < scales - 1) for scale in range(scales)]
        self.fuse = nn.ModuleList(ConvNormAct((1 + count) * hidden, hidden) for count in neighbours)
        self.merge = ConvNormAct(scales * hidden, hidden)
        self.project = nn.Conv1d(hidden, bottleneck, 1)

    def forward(self, features: Tensor) -> Tensor:
        scales, fused = self.pyramid(features), []
        for index, (fuse, scale) in enumerate(zip(self.fuse, scales, strict=True)):
            parts = [scale]
            if index > 0:
                parts.insert(0, self.lateral[index - 1](scales[index - 1]))
            if index < len(scales) - 1:
                parts.append(stretch(scales[index + 1], scale))
            fused.append(fuse(torch.cat(parts, dim=1)))
        merged = self.merge(torch.cat([fused[0], *(stretch(scale, fused[0]) for scale in fused[1:])], dim=1))
        branch: Tensor = self.project(merged)
        return features + branch


class AFRCNN(MaskingSeparator):
    """A-FRCNN with summed inputs, one block unfolded in time.

    Hu, Li, Zhang, Luo, Lemercier and Gerkmann, "Speech separation using an asynchronous fully recurrent
    convolutional neural network", NeurIPS 2021, section 3, in the size that the SepPrune paper prunes: 5.13 M
    parameters; 28.58 GMAC for a second at 16 kHz with 12 iterations and 37.44 with 16, as ptflops counts. ptflops
    takes one multiply-add an output element for biases and two for PReLUs, and counts the decoder at every output
    sample instead of at every frame, ``hop`` times too much; bare products of convolutions are 27.21 and 36.04 GMAC.

    The paper prunes the outputs of ``network.block.fuse.*``, each with its own columns of ``network.block.merge``:
    the groups that include ``network.block.fuse.*.norm``.

    Args:
        bottleneck: channels of the residual path.
        hidden: channels of every scale.
        iterations: how often the block is applied.
        scales: number of scales.
        basis, window, hop, sources: see :class:`~sepprune.separators.blocks.MaskingSeparator`.
    """

    def __init__(
        self,
        bottleneck: int = 512,
        hidden: int = 512,
        iterations: int = 12,
        scales: int = 4,
        basis: int = 512,
        window: int = 41,
        hop: int = 20,
        sources: int = 2,
    ) -> None:
        super().__init__(bottleneck, scales, basis, window, hop, sources)
        self.network = Unfolded(RecurrentBlock(bottleneck, hidden, scales), bottleneck, iterations)
