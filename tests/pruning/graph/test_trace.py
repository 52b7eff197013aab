"""The traced graph: it runs like the module, on the module's own tensors, and records where sizes come from."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from sepprune.pruning import prepare
from sepprune.pruning.graph.flow import operation
from sepprune.pruning.graph.sizes import Size
from sepprune.pruning.graph.trace import layer_of, tensor_attributes, trace


class Sizes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.width, self.copies, self.window = 6, (2, 6), 6
        self.linear = nn.Linear(6, 12)
        self.table = torch.rand(12)

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x) * self.table
        with torch.no_grad():
            y = y + 1
        return y.view(-1, 12 // self.width, self.copies[1]).sum(1) + x.new_zeros(self.width)


def test_attribute_sizes_are_noted_where_they_arrive() -> None:
    found = trace(Sizes(), (torch.rand(3, 6),))
    places = {
        operation(node): [(size.value, size.places, size.plain) for size in sizes if isinstance(size, Size)]
        for node, sizes in found.sizes.items()
    }
    assert places["view"] == [(2, (("", "width", ()),), False), (6, (("", "copies", (1,)),), True)]
    assert places["new_zeros"] == [(6, (("", "width", ()),), True)]


def test_the_graph_runs_as_the_module_on_its_own_tensors() -> None:
    module, x = Sizes(), torch.rand(3, 6)
    found = trace(module, (x,))
    assert torch.equal(found.graph(x), module(x))
    assert set(found.tensors.values()) == {"linear.weight", "linear.bias", "table"}
    with torch.no_grad():
        module.linear.weight.zero_()
    assert torch.equal(found.graph(x), module(x))


def test_the_module_keeps_plain_integers() -> None:
    module = Sizes()
    trace(module, (torch.rand(3, 6),))
    assert type(module.width) is int and type(module.copies[1]) is int


def test_nodes_know_their_layer() -> None:
    found = trace(nn.Sequential(nn.Linear(2, 3), nn.ReLU()), (torch.rand(1, 2),))
    layers = {operation(node): layer_of(node) for node in found.graph.graph.nodes if node.op == "call_function"}
    assert layers == {"linear": "0", "relu": "1"}


def test_tensor_attributes_have_every_name_of_a_shared_tensor() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].weight = module[0].weight
    names = [name for name, value in tensor_attributes(module) if value is module[0].weight]
    assert names == ["0.weight", "1.weight"]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru = nn.LSTM(3, 4, 2, bidirectional=True, batch_first=True), nn.GRU(8, 5)
        self.projected = nn.LSTM(5, 4, proj_size=2)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y, (hidden, cell) = self.lstm(x)
        z, last = self.gru(y)
        return z, hidden, cell, last, self.projected(z)[0]


@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_recurrent_layers_are_single_operations_that_run_as_the_layers() -> None:
    module, x = Recurrent().eval(), torch.rand(2, 30, 3)
    found = trace(module, (x,))
    names = [operation(node) for node in found.graph.graph.nodes if node.op == "call_function"]
    assert (names.count("lstm"), names.count("gru")) == (2, 1)
    assert all(torch.equal(a, b) for a, b in zip(found.graph(x), module(x), strict=True))


class Rows(nn.Module):
    """A recurrent layer whose output is used as rows, as dual-path separators do."""

    def __init__(self, kind: type[nn.RNNBase], batch_first: bool, bidirectional: bool) -> None:
        super().__init__()
        self.layer = kind(3, 4, batch_first=batch_first, bidirectional=bidirectional)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, state = self.layer(x)
        state = state[0] if isinstance(state, tuple) else state
        return y.contiguous().view(-1, y.shape[2]), state.view(-1)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("batch", [1, 5])
def test_recurrent_layers_have_the_memory_layout_of_torch(
    kind: type[nn.RNNBase], batch_first: bool, bidirectional: bool, batch: int
) -> None:
    module, x = Rows(kind, batch_first, bidirectional).eval(), torch.rand(batch, 7, 3)
    expected, found = module(x), trace(module, (x,)).graph(x)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


class FillsATable(nn.Module):
    """Fills a table at its first call and notes that in a number, as rotary embeddings do."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(6, 8), nn.Linear(8, 4)
        self.register_buffer("table", torch.zeros(5))
        self.filled = 0

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not self.filled:
            self.table[:] = torch.arange(1.0, 6.0)
            self.filled = 5
        return self.after(self.before(inputs) * self.table[:, None])


def test_a_table_that_the_first_call_fills_is_full_in_the_graph_and_untouched_in_the_module() -> None:
    module, inputs = FillsATable(), torch.randn(2, 5, 6)
    graph = trace(module, (inputs,)).graph
    assert not module.filled and not module.table.any()
    torch.testing.assert_close(graph(inputs), module(inputs))


def test_a_module_that_fills_a_table_at_its_first_call_can_be_pruned() -> None:
    assert [group.id for group in prepare(FillsATable(), torch.randn(2, 5, 6)).structure.groups] == ["before"]


def test_a_counter_that_the_graph_does_not_need_stays_the_modules_own() -> None:
    class Counts(FillsATable):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            self.table += 1
            return self.after(self.before(inputs)) + 0 * self.table.sum()

    module = Counts()
    found = trace(module, (torch.randn(2, 5, 6),))
    own = {id(value) for value in module.buffers()}
    assert any(id(value) in own for _, value in tensor_attributes(found.graph))
