"""SuDoRM-RF: successive downsampling and resampling of multi-resolution features, non-causal."""

from __future__ import annotations

from torch import Tensor, nn

from .blocks import MaskingSeparator, Pyramid, global_norm


class UConvBlock(nn.Module):
    """Down the scales, and up again by adding; residual.

    Shape:
        - input and output: ``(batch, bottleneck, frames)``
    """

    def __init__(self, bottleneck: int, hidden: int, scales: int) -> None:
        super().__init__()
        self.pyramid = Pyramid(bottleneck, hidden, scales)
        self.upsample = nn.Upsample(scale_factor=2)
        self.norm = global_norm(hidden)
        self.activation = nn.PReLU()
        self.project = nn.Conv1d(hidden, bottleneck, 1)

    def forward(self, features: Tensor) -> Tensor:
        *finer, total = self.pyramid(features)
        for scale in reversed(finer):
            total = scale + self.upsample(total)
        branch: Tensor = self.project(self.activation(self.norm(total)))
        return features + branch


class SuDoRMRF(MaskingSeparator):
    """SuDoRM-RF 1.0x.

    Tzinis, Wang and Smaragdis, "Sudo rm -rf: efficient networks for universal audio source separation", MLSP 2020,
    section 2, with the masks and plain residual blocks of its improved version (Tzinis et al., "Compute and memory
    efficient universal sound source separation", 2021): that is what the SepPrune paper calls SuDoRM-RF 1.0x, by
    its layer table. 2.72 M parameters; 4.65 GMAC for a second at 16 kHz as ptflops counts (see
    :class:`~sepprune.separators.afrcnn.AFRCNN`), 3.88 in bare products of convolutions. The first version has 2.66 M.

    The paper prunes the hidden channels of every block: the groups that include ``network.*.pyramid.expand.norm``.

    Args:
        bottleneck: channels of the residual path.
        hidden: channels inside a block.
        blocks: number of blocks.
        scales: number of scales in a block.
        basis, window, hop, sources: see :class:`~sepprune.separators.blocks.MaskingSeparator`.
    """

    def __init__(
        self,
        bottleneck: int = 128,
        hidden: int = 512,
        blocks: int = 16,
        scales: int = 5,
        basis: int = 512,
        window: int = 21,
        hop: int = 10,
        sources: int = 2,
    ) -> None:
        super().__init__(bottleneck, scales, basis, window, hop, sources)
        self.network = nn.Sequential(*(UConvBlock(bottleneck, hidden, scales) for _ in range(blocks)))
