"""Rules: what they leave free can be cut exactly, and what cannot be cut is blocked with a reason.

To test a new rule, add an entry to :data:`FREE` or :data:`BLOCKED`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sepprune.pruning.graph.follow import rule_for
from sepprune.pruning.graph.reasons import UNKNOWN, reason_for
from sepprune.pruning.graph.rules import RULES, TABLES
from sepprune.pruning.objective import freeze
from sepprune.pruning.structure import Structure, discover
from sepprune.pruning.surgery import cut, difference
from tests.pruning.small_separators import shake

Operation = Callable[[Tensor], Tensor]

MIXTURE = torch.randn(2, 1, 24, generator=torch.Generator().manual_seed(0))


class Around(nn.Module):
    """An operation between a convolution with 8 output channels and one that reads ``channels``."""

    def __init__(self, operation: Operation, channels: int = 8) -> None:
        super().__init__()
        self.first, self.operation = nn.Conv1d(1, 8, 3, padding=1), operation
        self.last = nn.Conv1d(channels, 2, 1)

    def forward(self, mixture: Tensor) -> Tensor:
        return self.last(self.operation(self.first(mixture)))


class Last(nn.Module):
    """Applies a module to channels in the last dimension."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        result = self.module(x.transpose(1, 2))
        return (result[0] if isinstance(result, tuple) else result).mT


class Products(nn.Module):
    """Matrix products with a parameter, as ``mm``, ``bmm``, ``baddbmm`` and ``einsum`` with and without ``->``."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Parameter(torch.rand(6, 8)), nn.Parameter(torch.rand(8, 6))
        self.bias = nn.Parameter(torch.rand(8, 1))

    def forward(self, x: Tensor) -> Tensor:
        hidden = torch.einsum("bct,oc->bot", x, self.left)
        back = torch.baddbmm(self.bias, self.right.expand(x.shape[0], -1, -1), hidden)
        summed = torch.einsum("oc,bct", self.left, x)
        return back + torch.matmul(self.right, summed)


def attention(x: Tensor) -> Tensor:
    rows = x.transpose(1, 2)
    return F.scaled_dot_product_attention(rows, rows.tanh(), rows.sin()).transpose(1, 2)


def complex_numbers(x: Tensor) -> Tensor:
    return torch.view_as_real(torch.view_as_complex(torch.stack([x, x.sin()], -1)).abs() * torch.polar(x.abs(), x))[
        ..., 0
    ]


def windows(x: Tensor) -> Tensor:
    unfolded = F.unfold(x.unsqueeze(2), (1, 3), padding=(0, 1))
    return F.fold(unfolded, (1, x.shape[-1]), (1, 3), padding=(0, 1)).squeeze(2)


def pooled(x: Tensor) -> Tensor:
    small = F.max_pool1d(x, 2) + F.avg_pool1d(x, 2) + F.adaptive_avg_pool1d(x, x.shape[-1] // 2)
    return F.interpolate(small, x.shape[-1], mode="linear")


def moved(x: Tensor) -> Tensor:
    rows = x.movedim(1, -1).unsqueeze(1).expand(-1, 3, -1, -1).squeeze()
    return (
        torch.stack(rows.unbind(1)).sum(0).mT.repeat(1, 1, 2)[..., ::2] + x.flip(-1).roll(1, -1) + x.new_zeros(x.shape)
    )


class Bilinear(nn.Module):
    """A bilinear layer, and products over letters."""

    def __init__(self) -> None:
        super().__init__()
        self.bilinear, self.left = nn.Bilinear(8, 8, 6), nn.Parameter(torch.rand(6, 8))

    def forward(self, x: Tensor) -> Tensor:
        rows = x.mT
        hidden = self.bilinear(rows, rows.tanh()) + torch.inner(rows, self.left)
        hidden = hidden + torch.tensordot(rows, self.left, ([2], [1]))
        return torch.einsum("...c,co->...o", hidden, self.left).mT + torch.einsum("...o,oc", hidden, self.left).mT


class Looked(nn.Module):
    """Adds a row of an embedding to every frame."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 8)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.embedding(torch.arange(x.shape[-1]) % 5).mT


class GroupsTied(nn.Module):
    """Another convolution, whose channels are tied to those of ``x`` by their size alone, as in GroupComm."""

    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Conv1d(8, 8, 1)

    def forward(self, x: Tensor) -> Tensor:
        other = self.other(x)
        return x.mean(1, keepdim=True).expand_as(other).type_as(other).reshape_as(x) + other


def aliases(x: Tensor) -> Tensor:
    y = torch.concatenate([torch.multiply(x, 2).absolute(), torch.hstack([x.subtract(1)])], 1)
    first, second = torch.hsplit(y, 2)
    x = first.divide(3).negative() + second.arctan() * first.greater(second)
    return torch.moveaxis(torch.moveaxis(x, 1, 0), 0, 1).floor_divide(0.1).mH.conj().mT


def positions_in_time(x: Tensor) -> Tensor:
    order = torch.arange(23, -1, -1)
    x = x.gather(2, order.expand(x.shape)) + x[:, :, order] + x[..., order] + x.index_select(2, order)
    x = x + torch.take_along_dim(x, order.view(1, 1, -1), 2) + x.unsqueeze(2).tril().squeeze(2)
    return x.index_add(2, order, x).index_copy(2, order[:4], x[..., :4])


def ordered_in_time(x: Tensor) -> Tensor:
    values, order = x.sort(-1)
    best = x.topk(6, dim=-1)[0].repeat_interleave(4, dim=-1)
    written = torch.zeros_like(x).scatter(2, order, values).slice_scatter(values[..., :4], 2, 0, 4)
    written = written.clone()
    written[:, :, torch.tensor([3, 5])] = x[..., :2]
    return best + written + x.cummax(-1)[0] + x.gather(2, order) + torch.fft.fft(x).real


def similarities(x: Tensor) -> Tensor:
    other = x.sin()
    score = F.cosine_similarity(x, other, dim=1) + F.cosine_similarity(x, other[..., :1], dim=1)
    score = score + F.pairwise_distance(x.mT, other.mT) + torch.linalg.vecdot(x, other, dim=1)
    return (
        x * score.unsqueeze(1)
        + (x @ torch.cdist(x.mT, other.mT))
        + x / (1 + torch.linalg.norm(x, dim=(1, 2), keepdim=True))
    )


def pixels(x: Tensor) -> Tensor:
    return F.pixel_unshuffle(F.pixel_shuffle(x.unflatten(-1, (4, 6)), 2), 2).flatten(2)


def sampled(x: Tensor) -> Tensor:
    grid = torch.linspace(-1, 1, 48).view(1, 1, 24, 2).expand(2, -1, -1, -1)
    return F.grid_sample(x.unsqueeze(2), grid, align_corners=False).squeeze(2)


#: operations that keep the 8 channels free, and the number of their output channels
FREE: dict[str, tuple[Operation, int]] = {
    "element by element": (lambda x: x.tanh() * 2 + x.clamp(-1, 1), 8),
    "gate": (lambda x: F.glu(x, 1), 4),
    "one slope per channel": (nn.PReLU(8), 8),
    "complex numbers": (complex_numbers, 8),
    "batch norm": (nn.BatchNorm1d(8), 8),
    "instance norm": (nn.InstanceNorm1d(8, affine=True), 8),
    "layer norm": (Last(nn.LayerNorm(8)), 8),
    "norm without mean": (Last(nn.RMSNorm(8)), 8),
    "group norm": (nn.GroupNorm(2, 8), 8),
    "norm of every channel": (nn.GroupNorm(8, 8), 8),
    "mean": (lambda x: x - x.mean(1, keepdim=True), 8),
    "sum of squares": (lambda x: x / (1 + x.norm(dim=1, keepdim=True)), 8),
    "variance": (lambda x: x / x.var(1).add(1).unsqueeze(1), 8),
    "deviation": (lambda x: x - torch.std_mean(x, 1, keepdim=True)[0], 8),
    "cumulative sum": (lambda x: x.cumsum(1), 8),
    "softmax": (lambda x: x.softmax(1), 8),
    "products": (Products(), 8),
    "attention": (attention, 8),
    "LSTM": (Last(nn.LSTM(8, 5, batch_first=True, bidirectional=True)), 10),
    "GRU": (Last(nn.GRU(8, 5, batch_first=True)), 5),
    "RNN": (Last(nn.RNN(8, 5, batch_first=True)), 5),
    "moved dimensions": (moved, 8),
    "concatenation": (lambda x: torch.cat([x, x.tanh()], 1), 16),
    "even split": (lambda x: torch.cat([part.tanh() for part in x.chunk(2, 1)], 1), 8),
    "padding and windows": (windows, 8),
    "pooling and interpolation": (pooled, 8),
    "aliases": (aliases, 8),
    "repeated channels": (lambda x: x.repeat_interleave(2, dim=1), 16),
    "positions in time": (positions_in_time, 8),
    "order in time": (ordered_in_time, 8),
    "similarities and distances": (similarities, 8),
    "pixel shuffle": (pixels, 8),
    "channel shuffle": (lambda x: F.channel_shuffle(x, 2), 8),
    "samples on a grid": (sampled, 8),
    "products by letters": (Bilinear(), 8),
    "embedding": (Looked(), 8),
    "sizes of another tensor": (GroupsTied(), 8),
    "tensors of one size": (lambda x: sum(torch.broadcast_tensors(x, x.mean(1, keepdim=True), x.sin())), 8),
    "excerpt of time": (lambda x: x.narrow(-1, 2, 20)[..., 1:-1], 8),
}

#: operations that block the 8 channels, and the operation that is named as the reason
BLOCKED: dict[str, tuple[Operation, int, str]] = {
    "largest channel": (lambda x: x - x.amax(1, keepdim=True), 8, "amax"),
    "log softmax": (lambda x: x.log_softmax(1), 8, "log_softmax"),
    "reversed channels": (lambda x: x.flip(1), 8, "flip"),
    "one channel": (lambda x: x * x[:, 3:4], 8, "slice"),
    "a channel by its number": (lambda x: x.select(1, 3).unsqueeze(1), 1, "select"),
    "every other channel": (lambda x: x[:, ::2], 4, "slice"),
    "uneven split": (lambda x: torch.cat(x.split(3, 1), 1), 8, "split"),
    "padded channels": (lambda x: F.pad(x, (0, 0, 1, 0)), 9, "pad"),
    "channels mixed with time": (lambda x: x.reshape(2, 12, 16), 12, "reshape"),
    "channels by position": (lambda x: x[:, torch.tensor([1, 0, 2, 3])], 4, "index"),
    "channels in a given order": (lambda x: x.gather(1, torch.zeros(2, 4, 24, dtype=torch.long)), 4, "gather"),
    "channels that are written": (lambda x: x.index_fill(1, torch.tensor([1]), 0.0), 8, "index_fill"),
    "a matrix of channels": (lambda x: torch.linalg.inv(x @ x.mT) @ x, 8, "linalg_inv"),
    "sorted channels": (lambda x: x.sort(1)[0], 8, "sort"),
    "an operation without a rule": (lambda x: torch.renorm(x, 2, 1, 1.0), 8, "renorm"),
}


def structure_of(operation: Operation, channels: int) -> Structure:
    torch.manual_seed(0)
    return discover(freeze(shake(Around(operation, channels))), [(MIXTURE,)])


@pytest.mark.parametrize("name", FREE)
def test_channels_that_stay_free_are_cut_exactly(name: str) -> None:
    structure = structure_of(*FREE[name])
    assert any(layer == "first" for group in structure.groups for layer in group.layers)
    for seed in range(3):
        kept = np.random.default_rng(seed).random(int(structure.sizes.sum())) < 0.5
        kept[np.cumsum(structure.sizes) - 1] = True
        absolute, relative = difference(structure, cut(structure, kept), kept)
        assert relative < 1e-4, (absolute, relative)


@pytest.mark.parametrize("name", BLOCKED)
def test_channels_that_cannot_be_cut_are_blocked_by_the_operation(name: str) -> None:
    operation, channels, culprit = BLOCKED[name]
    structure = structure_of(operation, channels)
    assert not any(layer == "first" for group in structure.groups for layer in group.layers)
    assert culprit in {reason.op for reason in structure.blocked if reason.layer == "first"}


def test_every_operation_has_a_rule_or_a_reason() -> None:
    example_of_the_documentation = {"renorm"}
    missing = set()
    for schema in torch._C._jit_get_all_schemas():
        name = schema.name.removeprefix("aten::")
        packet = getattr(torch.ops.aten, name, None) if schema.name.startswith("aten::") else None
        tensors = [any("Tensor" in str(item.type) for item in items) for items in (schema.arguments, schema.returns)]
        if packet is None or not all(tensors) or any(item.is_out for item in schema.arguments):
            continue
        plain = name.rstrip("_") if name.endswith("_") and not name.startswith("__") else name
        if rule_for(plain) is None and reason_for(plain) == UNKNOWN:
            missing.add(plain)
    assert missing == example_of_the_documentation


def test_a_reason_says_why_an_operation_has_no_rule() -> None:
    operation, channels, _ = BLOCKED["a matrix of channels"]
    reasons = {reason.op: reason.why for reason in structure_of(operation, channels).blocked}
    assert reasons["linalg_inv"].startswith("its result depends on all channels of a matrix at once")


@pytest.mark.parametrize("name", ["an operation without a rule", "reversed channels", "largest channel"])
def test_a_layer_behind_a_blocking_operation_names_that_operation(name: str) -> None:
    operation, channels, culprit = BLOCKED[name]
    reasons = [
        reason for reason in structure_of(lambda x: operation(x).mul(2), channels).blocked if reason.layer == "last"
    ]
    assert culprit in {reason.op for reason in reasons} and "conv1d" not in {reason.op for reason in reasons}


def test_no_operation_has_two_rules() -> None:
    assert len(RULES) == sum(len(table) for table in TABLES)
