"""Small separators, one for each way in which architectures rearrange channels; names say what they contain."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GlobalNorm(nn.Module):
    """Global layer norm as papers write it by hand."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.rand(1, channels, 1)), nn.Parameter(torch.randn(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((1, 2), keepdim=True)
        power = ((x - mean) ** 2).mean(2, keepdim=True).mean(1, keepdim=True)
        return self.gain * (x - mean) / (power + 1e-8) ** 0.5 + self.bias


class CumulativeNorm(nn.Module):
    """Cumulative layer norm, whose counts are made with ``arange`` from the number of channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain, self.bias = nn.Parameter(torch.rand(channels)), nn.Parameter(torch.randn(channels))

    def forward(self, x: Tensor) -> Tensor:
        _, channels, frames = x.shape
        count = torch.arange(channels, channels * (frames + 1), channels, dtype=x.dtype).view(1, -1)
        mean = x.sum(1).cumsum(-1) / count
        variance = x.square().sum(1).cumsum(-1) / count - mean.square()
        normed = (x - mean.unsqueeze(1)) / (variance.unsqueeze(1) + 1e-6).sqrt()
        return (normed.transpose(1, 2) * self.gain + self.bias).transpose(1, 2)


class Masker(nn.Module):
    """Encoder, a network, a mask for each source by ``view(sources, filters)``, decoder."""

    def __init__(self, network: nn.Module, filters: int = 12, channels: int = 12, sources: int = 2) -> None:
        super().__init__()
        self.filters, self.sources = filters, sources
        self.encoder = nn.Conv1d(1, filters, 16, 8, bias=False)
        self.bottleneck = nn.Conv1d(filters, channels, 1)
        self.network = network
        self.masks = nn.Conv1d(channels, sources * filters, 1)
        self.decoder = nn.ConvTranspose1d(filters, 1, 16, 8, bias=False)

    def forward(self, mixture: Tensor) -> Tensor:
        batch = mixture.shape[0]
        features = self.encoder(mixture.unsqueeze(1)).relu()
        masks = self.masks(self.network(self.bottleneck(features)))
        masks = masks.view(batch, self.sources, self.filters, -1).sigmoid()
        masked = features.unsqueeze(1) * masks
        return self.decoder(masked.view(batch * self.sources, self.filters, -1)).view(batch, self.sources, -1)


class DilatedBlock(nn.Module):
    def __init__(self, channels: int, hidden: int, norm: type[nn.Module]) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(channels, hidden, 1),
            nn.PReLU(),
            norm(hidden),
            nn.Conv1d(hidden, hidden, 3, padding=2, dilation=2, groups=hidden),
            nn.PReLU(hidden),
            norm(hidden),
        )
        self.residual, self.skip = nn.Conv1d(hidden, channels, 1), nn.Conv1d(hidden, channels, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.net(x)
        return x + self.residual(hidden), self.skip(hidden)


class SkipNetwork(nn.Module):
    """Residual and skip paths, as in Conv-TasNet."""

    def __init__(self, channels: int, hidden: int, norm: type[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(DilatedBlock(channels, hidden, norm) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        total = 0.0
        for block in self.blocks:
            x, skip = block(x)
            total = total + skip
        return total


class DualPath(nn.Module):
    """Chunks by padding and view, bidirectional LSTM inside and GRU across, norms after."""

    def __init__(self, channels: int, hidden: int, chunk: int = 6) -> None:
        super().__init__()
        self.chunk, self.channels = chunk, channels
        self.inside = nn.LSTM(channels, hidden, batch_first=True, bidirectional=True)
        self.across = nn.GRU(channels, hidden, num_layers=2, batch_first=True)
        self.inside_out, self.across_out = nn.Linear(2 * hidden, channels), nn.Linear(hidden, channels)
        self.norm, self.layer_norm = nn.GroupNorm(1, channels), nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, frames = x.shape
        padded = F.pad(x, (0, -frames % self.chunk))
        chunks = padded.view(batch, self.channels, -1, self.chunk).permute(0, 2, 3, 1)
        count = chunks.shape[1]
        inside, _ = self.inside(chunks.reshape(batch * count, self.chunk, channels))
        chunks = chunks + self.layer_norm(self.inside_out(inside)).view(batch, count, self.chunk, channels)
        across, _ = self.across(chunks.transpose(1, 2).reshape(batch * self.chunk, count, channels))
        across = self.across_out(across).view(batch, self.chunk, count, channels).permute(0, 3, 2, 1)
        chunks = chunks.permute(0, 3, 1, 2) + self.norm(across.reshape(batch, channels, -1)).view(across.shape)
        return chunks.flatten(2)[..., :frames]


class GroupComm(nn.Module):
    """Channels in groups that share one network and exchange data through another."""

    def __init__(self, channels: int, groups: int = 3, hidden: int = 8) -> None:
        super().__init__()
        self.groups, width = groups, channels // groups
        self.talk = nn.GRU(width, hidden, batch_first=True)
        self.talk_out = nn.Linear(hidden, width)
        self.shared = nn.Sequential(nn.Conv1d(width, hidden, 3, padding=1), nn.PReLU(), nn.Conv1d(hidden, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, frames = x.shape
        grouped = x.view(batch, self.groups, -1, frames)
        rows = grouped.permute(0, 3, 1, 2).reshape(batch * frames, self.groups, -1)
        talk = self.talk_out(self.talk(rows)[0]).view(batch, frames, self.groups, -1).permute(0, 2, 3, 1)
        grouped = grouped + talk
        return (grouped + self.shared(grouped.flatten(0, 1)).view(grouped.shape)).reshape(batch, channels, frames)


class Attention(nn.Module):
    """Positional buffer, heads by view, products, softmax; torch's own attention after it."""

    def __init__(self, channels: int, heads: int = 2, inner: int = 8) -> None:
        super().__init__()
        self.heads, self.head_width = heads, inner // heads
        position = torch.arange(400).unsqueeze(1) / 10000 ** (torch.arange(channels) / channels)
        self.register_buffer("positions", position.sin())
        self.norm = nn.LayerNorm(channels)
        self.qkv = nn.Linear(channels, 3 * inner)
        self.out = nn.Linear(inner, channels)
        self.second = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.feed = nn.Sequential(nn.Linear(channels, 20), nn.GELU(), nn.Dropout(0.1), nn.Linear(20, channels))

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)
        x = x + self.positions[: x.shape[1]]
        queries, keys, values = (
            part.unflatten(-1, (self.heads, self.head_width)).transpose(1, 2)
            for part in self.qkv(self.norm(x)).chunk(3, dim=-1)
        )
        weights = (queries @ keys.transpose(-1, -2) / math.sqrt(queries.shape[-1])).softmax(-1)
        x = x + self.out((weights @ values).transpose(1, 2).flatten(2))
        x = x + F.layer_norm(self.second(x, x, x)[0], (x.shape[-1],))
        return (x + self.feed(x)).transpose(1, 2)


class UNet(nn.Module):
    """Down by stride and pooling, up by interpolation, concatenated skips, grouped convolution, instance norm."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.down = nn.ModuleList([nn.Conv1d(channels, 16, 4, 2, 1), nn.Conv1d(16, 24, 3, padding=1, groups=4)])
        self.norms = nn.ModuleList([nn.BatchNorm1d(16), nn.InstanceNorm1d(24, affine=True)])
        self.up = nn.Conv1d(24 + 16, 16, 3, padding=1)
        self.last = nn.ConvTranspose1d(16 + channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first = F.leaky_relu(self.norms[0](self.down[0](x)))
        second = F.max_pool1d(self.norms[1](self.down[1](first)).relu(), 2)
        risen = F.interpolate(second, size=first.shape[-1], mode="nearest")
        risen = F.elu(self.up(torch.cat([risen, first], 1)))
        return self.last(torch.cat([F.interpolate(risen, x.shape[-1], mode="linear"), x], 1))


class Spectral(nn.Module):
    """Short-time Fourier transform, complex views, two-dimensional convolutions, gates by chunk, mean over time."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(64))
        self.into = nn.Conv2d(2, 2 * width, 3, padding=1)
        self.squeeze, self.excite = nn.Linear(width, 6), nn.Linear(6, width)
        self.frequency = nn.GRU(width, width, batch_first=True)
        self.out = nn.Conv2d(width, 4, 1)

    def forward(self, mixture: Tensor) -> Tensor:
        spectrum = torch.stft(mixture, 64, 32, window=self.window, return_complex=True)
        value, gate = self.into(torch.view_as_real(spectrum).permute(0, 3, 1, 2)).chunk(2, dim=1)
        hidden = value * gate.sigmoid()
        scale = self.excite(self.squeeze(hidden.mean((2, 3))).relu()).sigmoid()
        hidden = hidden * scale[:, :, None, None]
        batch, width, bins, frames = hidden.shape
        rows = hidden.permute(0, 3, 2, 1).reshape(batch * frames, bins, width)
        hidden = hidden + self.frequency(rows)[0].view(batch, frames, bins, width).permute(0, 3, 2, 1)
        masks = self.out(hidden).unflatten(1, (2, 2)).permute(0, 1, 3, 4, 2).contiguous()
        separated = (spectrum.unsqueeze(1) * torch.view_as_complex(masks)).flatten(0, 1)
        return torch.istft(separated, 64, 32, window=self.window).unflatten(0, (batch, 2))


class SharedBlock(nn.Module):
    """One multi-scale block that is used several times, its scales joined by addition and concatenation."""

    def __init__(self, channels: int, hidden: int = 16, times: int = 3) -> None:
        super().__init__()
        self.times = times
        self.into = nn.Conv1d(channels, hidden, 1)
        self.scales = nn.ModuleList(nn.Conv1d(hidden, hidden, 5, 2, 2, groups=hidden) for _ in range(2))
        self.fuse = nn.Conv1d(3 * hidden, hidden, 1)
        self.back = nn.Conv1d(hidden, channels, 1)
        self.concat = nn.Conv1d(channels, channels, 1, groups=channels)
        self.norm = GlobalNorm(hidden)

    def forward(self, x: Tensor) -> Tensor:
        mixture = x
        for step in range(self.times):
            x = x if step == 0 else self.concat(mixture + x)
            levels = [self.norm(self.into(x))]
            for scale in self.scales:
                levels.append(scale(levels[-1]))
            levels = [F.interpolate(level, x.shape[-1]) for level in levels]
            x = x + self.back(self.fuse(torch.cat(levels, 1)).relu())
        return x


class Widths(nn.Module):
    """Sizes kept in a tuple attribute, split by them, einsum, baddbmm, stack and a buffer that is not registered."""

    def __init__(self, channels: int, widths: tuple[int, int] = (10, 6)) -> None:
        super().__init__()
        self.widths = widths
        self.both = nn.Conv1d(channels, sum(widths), 1)
        self.mix = nn.Parameter(torch.randn(widths[0], 7))
        self.back = nn.Linear(7 + widths[1], channels)
        self.gain = torch.rand(widths[1], 1)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.both(x).split(self.widths, dim=1)
        first = torch.einsum("bct,co->bot", first.tanh(), self.mix)
        joined = torch.cat([first, second * self.gain], dim=1)
        stacked = torch.stack([joined, -joined], dim=-1).amax(-1)
        return x + self.back(stacked.transpose(1, 2)).transpose(1, 2)


class ConvAcrossChannels(nn.Module):
    """A convolution along the channel axis: the order of these channels matters, so they cannot be dropped."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.across = nn.Conv2d(1, 1, (3, 1), padding=(1, 0))
        self.free = nn.Sequential(nn.Conv1d(channels, 10, 1), nn.ReLU(), nn.Conv1d(10, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.across(self.free(x).unsqueeze(1)).squeeze(1)


SEPARATORS = {
    "global norms and skips": lambda: Masker(SkipNetwork(12, 16, GlobalNorm)),
    "cumulative norms": lambda: Masker(SkipNetwork(12, 16, CumulativeNorm)),
    "dual path": lambda: Masker(DualPath(12, 10)),
    "group communication": lambda: Masker(GroupComm(12)),
    "attention": lambda: Masker(Attention(12)),
    "u-net": lambda: Masker(UNet(12)),
    "spectral": Spectral,
    "shared block": lambda: Masker(SharedBlock(12)),
    "widths and einsum": lambda: Masker(Widths(12)),
    "convolution across channels": lambda: Masker(ConvAcrossChannels(12)),
}


def build(name: str) -> nn.Module:
    """A separator of :data:`SEPARATORS`, with parameters and buffers that all influence the output."""
    torch.manual_seed(0)
    module = SEPARATORS[name]()
    return shake(module)


def shake(module: nn.Module) -> nn.Module:
    """Change parameters and norm statistics that are zero or one, so that the loss of one changes the output."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
        for name, buffer in module.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                buffer.add_(torch.rand(buffer.shape))
    return module


MIXTURE = 0.1 * torch.randn(2, 320, generator=torch.Generator().manual_seed(1))
