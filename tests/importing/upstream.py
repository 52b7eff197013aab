"""The layouts and the arithmetic of other programs' causal separators, restated in plain torch from the papers.

Names and shapes of the weights are those of the checkpoints that ESPnet and Asteroid write. Everything is computed on
whole recordings, without any state, so that it shares no code and no idea with a stream. Sources: Luo and Mesgarani,
"Conv-TasNet", TASLP 2019; Li et al., "SkiM: skipping memory LSTM", ICASSP 2022.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

ACTIVATIONS = {
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "linear": lambda score: score,
    "softmax": lambda score: score.softmax(1),
}


class Norm(nn.Module):
    """Scale and shift as ``gamma`` and ``beta``; statistics of each frame, or of all frames so far."""

    def __init__(self, shape: tuple[int, ...], epsilon: float, cumulative: bool = False) -> None:
        super().__init__()
        self.gamma, self.beta = nn.Parameter(torch.ones(shape)), nn.Parameter(torch.zeros(shape))
        self.epsilon, self.cumulative = epsilon, cumulative

    def forward(self, features: Tensor) -> Tensor:  # (batch, channels, frames)
        frames = features.double()
        mean, power = frames.mean(1, keepdim=True), frames.square().mean(1, keepdim=True)
        if self.cumulative:
            count = torch.arange(1, features.shape[2] + 1)
            mean, power = mean.cumsum(2) / count, power.cumsum(2) / count
        normed = ((frames - mean) / (power - mean.square() + self.epsilon).sqrt()).float()
        return self.gamma.view(-1, 1) * normed + self.beta.view(-1, 1)


def delayed(convolution: nn.Conv1d, features: Tensor) -> Tensor:
    """A dilated convolution over zeros and the past."""
    return convolution(F.pad(features, ((convolution.kernel_size[0] - 1) * convolution.dilation[0], 0)))


class Encoded(nn.Module):
    """Filters, masks, filters: what surrounds both of ESPnet's separators."""

    def __init__(self, basis: int, window: int, hop: int, separator: nn.Module) -> None:
        super().__init__()
        self.encoder, self.separator, self.decoder = nn.Module(), separator, nn.Module()
        self.encoder.conv1d = nn.Conv1d(1, basis, window, hop, bias=False)
        self.decoder.convtrans1d = nn.ConvTranspose1d(basis, 1, window, hop, bias=False)

    def forward(self, mixture: Tensor) -> Tensor:
        features = self.encoder.conv1d(mixture[:, None]).relu()
        masks = self.separator(features)
        return torch.cat([self.decoder.convtrans1d(features * mask) for mask in masks.unbind(1)], 1)


class EspnetTCN(nn.Module):
    def __init__(self, basis: int, sources: int, **conf: Any) -> None:
        super().__init__()
        bottleneck, hidden, self.conf = conf["bottleneck_dim"], conf["hidden_dim"], conf
        self.sources, epsilon = sources, torch.finfo(torch.float32).eps

        def norm(channels: int) -> nn.Module:
            return nn.BatchNorm1d(channels) if conf["norm_type"] == "BN" else Norm((1, channels, 1), epsilon)

        def block(dilation: int) -> nn.Module:
            inner = nn.Module()
            depthwise = nn.Conv1d(hidden, hidden, conf["kernel"], dilation=dilation, groups=hidden, bias=False)
            inner.net = nn.ModuleList(
                [depthwise, nn.Identity(), nn.PReLU(), norm(hidden), nn.Conv1d(hidden, bottleneck, 1, bias=False)]
            )
            outer = nn.Module()
            outer.net = nn.ModuleList(
                [nn.Conv1d(bottleneck, hidden, 1, bias=False), nn.PReLU(), norm(hidden), inner],
            )
            return outer

        stacks = nn.ModuleList(
            nn.ModuleList(block(2**layer) for layer in range(conf["layer"])) for _ in range(conf["stack"])
        )
        masks = nn.Conv1d(bottleneck, basis * (sources + conf["predict_noise"]), 1, bias=False)
        first = [Norm((1, basis, 1), epsilon), nn.Conv1d(basis, bottleneck, 1, bias=False), stacks]
        self.tcn = nn.Module()
        self.tcn.network = nn.ModuleList(
            [*first, nn.PReLU(), masks] if conf["pre_mask_nonlinear"] == "prelu" else [*first, masks]
        )

    def forward(self, features: Tensor) -> Tensor:
        norm, bottleneck, stacks, *last = self.tcn.network
        hidden = bottleneck(norm(features))
        for stack in stacks:
            for block in stack:
                expand, activation, first, inner = block.net
                depthwise, _, second_activation, second, project = inner.net
                wide = first(activation(expand(hidden)))
                hidden = hidden + project(second(second_activation(delayed(depthwise, wide))))
        for layer in last:
            hidden = layer(hidden)
        masks = hidden.unflatten(1, (-1, features.shape[1]))[:, : self.sources]
        return ACTIVATIONS[self.conf["nonlinear"]](masks)


class EspnetSkiM(nn.Module):
    """Segment by segment, block by block; the memories go through the ends of all segments at once."""

    def __init__(self, basis: int, sources: int, **conf: Any) -> None:
        super().__init__()
        units, self.conf, self.sources = conf["unit"], conf, sources
        epsilon, memory = torch.finfo(torch.float32).eps, conf["mem_type"]
        self.skim = nn.Module()
        self.skim.seg_lstms, self.skim.mem_lstms = nn.ModuleList(), nn.ModuleList()
        for _ in range(conf["layer"]):
            block = nn.Module()
            block.lstm, block.proj = nn.LSTM(basis, units, batch_first=True), nn.Linear(units, basis)
            block.norm = Norm((1, basis, 1), epsilon)
            self.skim.seg_lstms.append(block)
        for _ in range(conf["layer"] - 1):
            block = nn.Module()
            for part in set("hc") & set(memory if memory != "id" else ""):
                net = nn.Module()
                net.rnn, net.proj = nn.LSTM(units, units, batch_first=True), nn.Linear(units, units)
                block.add_module(f"{part}_net", net)
                block.add_module(f"{part}_norm", Norm((1, units, 1), epsilon))
            self.skim.mem_lstms.append(block)
        outputs = basis * (sources + conf["predict_noise"])
        self.skim.output_fc = nn.Sequential(nn.PReLU(), nn.Conv1d(basis, outputs, 1))

    def forward(self, features: Tensor) -> Tensor:
        basis, frames = features.shape[1:]
        segments = features.transpose(1, 2).split(self.conf["segment_size"], dim=1)
        starts: list[Any] = [None] * len(segments)
        for index, block in enumerate(self.skim.seg_lstms):
            done, ends = [], []
            for segment, start in zip(segments, starts, strict=True):
                hidden, end = block.lstm(segment, start)
                done.append(segment + block.norm(block.proj(hidden).transpose(1, 2)).transpose(1, 2))
                ends.append(end)
            segments = done
            if index < len(self.skim.mem_lstms):
                memory = self.skim.mem_lstms[index]
                parts = [torch.cat([end[part].transpose(0, 1) for end in ends], 1) for part in (0, 1)]
                carried = [self._carried(memory, name, part) for name, part in zip("hc", parts, strict=True)]
                later = [tuple(part[:, [at]].transpose(0, 1) for part in carried) for at in range(len(segments) - 1)]
                starts = [None, *later]
        scores = self.skim.output_fc(torch.cat(segments, 1).transpose(1, 2)).unflatten(1, (basis, -1))
        masks = ACTIVATIONS[self.conf["nonlinear"]](scores.transpose(1, 2))
        assert masks.shape[3] == frames
        return masks[:, : self.sources]

    def _carried(self, memory: nn.Module, name: str, ends: Tensor) -> Tensor:
        if self.conf["mem_type"] == "id":
            return ends
        if name not in self.conf["mem_type"]:
            return torch.zeros_like(ends)
        net, norm = memory.get_submodule(f"{name}_net"), memory.get_submodule(f"{name}_norm")
        return ends + norm(net.proj(net.rnn(ends)[0]).transpose(1, 2)).transpose(1, 2)


class AsteroidConvTasNet(nn.Module):
    def __init__(self, **args: Any) -> None:
        super().__init__()
        basis, bottleneck, hidden, skip = args["n_filters"], args["bn_chan"], args["hid_chan"], args["skip_chan"]
        self.args = args

        def norm(channels: int) -> nn.Module:
            return Norm((channels,), 1e-8, args["norm_type"] == "cgLN")

        self.encoder, self.masker, self.decoder = nn.Module(), nn.Module(), nn.Module()
        for part in (self.encoder, self.decoder):
            part.filterbank = nn.Module()
            part.filterbank._filters = nn.Parameter(torch.randn(basis, 1, args["kernel_size"]))
        self.masker.bottleneck = nn.Sequential(norm(basis), nn.Conv1d(basis, bottleneck, 1))
        self.masker.TCN = nn.ModuleList()
        for index in range(args["n_blocks"] * args["n_repeats"]):
            block = nn.Module()
            dilation = 2 ** (index % args["n_blocks"])
            depthwise = nn.Conv1d(hidden, hidden, args["conv_kernel_size"], dilation=dilation, groups=hidden)
            block.shared_block = nn.ModuleList(
                [nn.Conv1d(bottleneck, hidden, 1), nn.PReLU(), norm(hidden), nn.Sequential(depthwise), nn.PReLU()]
            )
            block.shared_block.append(norm(hidden))
            block.res_conv = nn.Conv1d(hidden, bottleneck, 1)
            if skip:
                block.skip_conv = nn.Conv1d(hidden, skip, 1)
            self.masker.TCN.append(block)
        self.masker.mask_net = nn.Sequential(nn.PReLU(), nn.Conv1d(skip or bottleneck, args["n_src"] * basis, 1))

    def forward(self, mixture: Tensor) -> Tensor:
        args, hop = self.args, self.args["stride"]
        features = F.conv1d(mixture[:, None], self.encoder.filterbank._filters, stride=hop)
        features = ACTIVATIONS[args["encoder_activation"] or "linear"](features)
        hidden, skips = self.masker.bottleneck(features), 0
        for block in self.masker.TCN:
            expand, activation, first, (depthwise,), second_activation, second = block.shared_block
            wide = second(second_activation(delayed(depthwise, first(activation(expand(hidden))))))
            hidden = hidden + block.res_conv(wide)
            if args["skip_chan"]:
                skips = skips + block.skip_conv(wide)
        scores = self.masker.mask_net(skips if args["skip_chan"] else hidden).unflatten(1, (args["n_src"], -1))
        masked = ACTIVATIONS[args["mask_act"]](scores) * features[:, None]
        filters = self.decoder.filterbank._filters
        return torch.cat([F.conv_transpose1d(one, filters, stride=hop) for one in masked.unbind(1)], 1)
