"""Networks of random layers: every step maps ``(batch, 12, time)`` to the same shape, in another way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations

#: channels between the steps
WIDTH = 12


class Rows(nn.Module):
    """Applies a module to channels in the last dimension."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        result = self.module(x.mT)
        return (result[0] if isinstance(result, tuple) else result).mT


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.attention(x.mT, x.mT, x.mT, need_weights=False)[0]
        return result.mT


class Cell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return self.cell(x[..., 0]).unsqueeze(-1) * x


class Around(nn.Module):
    """A residual connection, with a gain and a layer that forward does not use."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module, self.gain, self.unused = module, nn.Parameter(torch.ones(())), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.gain * self.module(x)


class Calculates(nn.Module):
    """A function of channels without parameters."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Table(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.weight = nn.Embedding(7, WIDTH), nn.Parameter(torch.randn(WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        return torch.einsum("bct,co->bot", x, self.weight) + self.table(torch.arange(x.shape[-1]) % 7).mT


def conv(inputs: int = WIDTH, outputs: int = WIDTH, groups: int = 1) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, 3, padding=1, groups=groups)


STEPS: dict[str, Callable[[], nn.Module]] = {
    "convolution": conv,
    "bottleneck": lambda: nn.Sequential(conv(WIDTH, 6), nn.PReLU(6), conv(6, WIDTH)),
    "grouped convolution, few groups": lambda: conv(groups=3),
    "grouped convolution, many groups": lambda: conv(groups=6),
    "depthwise convolution": lambda: conv(groups=WIDTH),
    "transposed convolution": lambda: nn.ConvTranspose1d(WIDTH, WIDTH, 3, padding=1, groups=2),
    "weight norm": lambda: parametrizations.weight_norm(conv()),
    "orthogonal weights": lambda: Rows(parametrizations.orthogonal(nn.Linear(WIDTH, WIDTH))),
    "slope": nn.PReLU,
    "slopes": lambda: nn.PReLU(WIDTH),
    "batch norm": lambda: nn.BatchNorm1d(WIDTH),
    "group norm": lambda: nn.GroupNorm(4, WIDTH),
    "layer norm": lambda: Rows(nn.LayerNorm(WIDTH)),
    "layer norm over time": lambda: nn.LayerNorm(12),
    "gate": lambda: nn.Sequential(conv(WIDTH, 2 * WIDTH), nn.GLU(1)),
    "LSTM": lambda: Rows(nn.LSTM(WIDTH, 6, batch_first=True, bidirectional=True)),
    "GRU": lambda: Rows(nn.GRU(WIDTH, WIDTH, batch_first=True)),
    "cell": Cell,
    "attention": Attention,
    "feed forward": lambda: Rows(nn.Sequential(nn.Linear(WIDTH, 20), nn.GELU(), nn.Linear(20, WIDTH))),
    "residual": lambda: Around(conv()),
    "nested residual": lambda: Around(nn.Sequential(Around(conv(groups=6)), nn.GroupNorm(1, WIDTH))),
    "table": Table,
    "shuffle": lambda: nn.ChannelShuffle(3),
    "reversed channels": lambda: Calculates(lambda x: x.flip(1)),
    "sorted channels": lambda: Calculates(lambda x: x.sort(1)[0]),
    "mixed with time": lambda: Calculates(lambda x: x.reshape(x.shape[0], 16, -1).flip(1).reshape(x.shape)),
    "softmax": lambda: Calculates(lambda x: x.softmax(1)),
    "split": lambda: Calculates(lambda x: torch.cat([part.tanh() for part in x.chunk(2, 1)], 1)),
    "padded": lambda: Calculates(lambda x: F.pad(x, (0, 0, 1, 1))[:, 1:-1]),
}


class Network(nn.Module):
    """Steps between two convolutions."""

    def __init__(self, steps: Sequence[str]) -> None:
        super().__init__()
        self.first, self.last = conv(1), conv(WIDTH, 2)
        self.steps = nn.Sequential(*(STEPS[step]() for step in steps))

    def forward(self, mixture: Tensor) -> Tensor:
        return self.last(self.steps(self.first(mixture)))
