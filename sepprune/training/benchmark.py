"""How fast a run trains on this machine, and how far that is from what its matrix products allow."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..separators.calling import precision_on
from .batches import BATCHES, BatchSource, batch_source, rate_of
from .learner import Learner
from .processes import Processes
from .settings import TrainingSettings
from .trainer import Trainer

#: rows, inputs and outputs of a matrix product
Product = tuple[int, int, int]
#: products of an update for one of the forward pass: gradients of inputs and weights are two more
_PRODUCTS_PER_UPDATE = 3


def benchmark(settings: TrainingSettings, separator: nn.Module, seconds: float = 60.0) -> dict[str, Any]:
    """Measure mixing, updates, and both together.

    Args:
        settings: the run; nothing is written to its folder.
        separator: what it trains.
        seconds: about how long to measure.

    Returns:
        ``device``; ``precision`` of the separator's passes; ``mixing_ms``: time of one process per mixture, on a GPU
        without rendering; ``update_ms``: time per update, batches being ready; ``updates_per_second`` and
        ``hours_per_hour`` (hours of mixtures): of training as it is; ``product_share``: time of the matrix products
        alone, measured with the same shapes, as a share of an update.
    """
    processes, mixtures = Processes(), settings.mixtures
    source = batch_source(settings, processes.device.type == "cuda", separator)
    with tempfile.TemporaryDirectory() as folder:
        settings = dataclasses.replace(settings, out=folder)
        learner = Learner(settings, separator, processes=processes)
        ready = BatchSource(_Same(source.data[0]), source.render)
        mixing = _seconds_per_call(_numbers(source.data), seconds / 4)
        update = _seconds_per_update(Trainer(settings, [learner], processes=processes, source=ready), seconds / 3)
        together = _seconds_per_update(Trainer(settings, [learner], processes=processes, source=source), seconds / 3)
    samples = rate_of(settings, separator).samples(mixtures.samples)
    products = products_of(separator, torch.zeros(mixtures.batch, samples, device=processes.device))
    precision = precision_on(processes.device, settings.optimiser.precision)
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    peak = _PRODUCTS_PER_UPDATE * sum(
        count * _product_seconds(product, processes.device, kind) for product, count in products.items()
    )
    return {
        "device": torch.cuda.get_device_name() if processes.device.type == "cuda" else "cpu",
        "precision": precision,
        "mixing_ms": 1e3 * mixing / mixtures.batch,
        "update_ms": 1e3 * update,
        "updates_per_second": 1 / together,
        "hours_per_hour": mixtures.batch * mixtures.seconds / together,
        "product_share": peak / update,
    }


def products_of(separator: nn.Module, mixture: Tensor) -> Counter[Product]:
    """Matrix products of a forward pass, with their number: those of linear layers, LSTMs, GRUs and convolutions."""
    found: Counter[Product] = Counter()

    def linear(layer: nn.Linear, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found[output.numel() // layer.out_features, layer.in_features, layer.out_features] += 1

    def convolution(layer: nn.modules.conv._ConvNd, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        taps, places = layer.weight[0, 0].numel(), inputs[0] if layer.transposed else output
        rows = places.numel() // places.shape[1]
        own, other = layer.in_channels // layer.groups, layer.out_channels // layer.groups
        found[(rows, own, other * taps) if layer.transposed else (rows, own * taps, other)] += layer.groups

    def recurrent(layer: nn.RNNBase, inputs: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> None:
        rows = output[0].numel() // output[0].shape[-1]
        steps = output[0].shape[1 if layer.batch_first else 0]
        for name, weight in layer.named_parameters():
            if name.startswith("weight_ih"):
                found[rows, weight.shape[1], weight.shape[0]] += 1
            elif name.startswith("weight_hh"):  # one small product after the other
                found[rows // steps, weight.shape[1], weight.shape[0]] += steps

    kinds: list[tuple[type[nn.Module], Callable[..., None]]] = [
        (nn.Linear, linear),
        (nn.modules.conv._ConvNd, convolution),
        (nn.RNNBase, recurrent),
    ]
    with _hooks(separator, kinds), torch.no_grad():
        separator(mixture)
    return found


class _Same(Dataset[Any]):
    """One batch under every number."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch

    def __len__(self) -> int:
        return BATCHES

    def __getitem__(self, index: int) -> Any:
        return self.batch


@contextmanager
def _hooks(module: nn.Module, kinds: list[tuple[type[nn.Module], Callable[..., None]]]) -> Iterator[None]:
    handles = [
        layer.register_forward_hook(hook)
        for layer in module.modules()
        for kind, hook in kinds
        if isinstance(layer, kind)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _numbers(data: Dataset[Any]) -> Callable[[], object]:
    numbers = itertools.count()
    return lambda: data[next(numbers)]


def _seconds_per_update(trainer: Trainer, seconds: float) -> float:
    """The difference of two runs, so that starting workers and capturing graphs does not count."""
    few = _seconds_of(lambda: trainer.run_updates(1))
    updates = max(3, int(seconds / max(few, 1e-3)))
    few = _seconds_of(lambda: trainer.run_updates(1))
    many = _seconds_of(lambda: trainer.run_updates(1 + updates))
    return max(1e-9, many - few) / updates


def _seconds_per_call(call: Callable[[], object], seconds: float) -> float:
    call()
    started, calls = time.perf_counter(), 0
    while not calls or time.perf_counter() - started < seconds:
        call()
        calls += 1
    return (time.perf_counter() - started) / calls


def _product_seconds(product: Product, device: torch.device, kind: torch.dtype) -> float:
    """Fastest of several measurements."""
    rows, inputs, outputs = product
    left, right = (torch.randn(shape, device=device).to(kind) for shape in ((rows, inputs), (inputs, outputs)))
    repeats = max(1, round(1e8 / (rows * inputs * outputs)))  # long enough for the clock

    def multiply() -> None:
        for _ in range(repeats):
            left @ right

    multiply()
    return min(_seconds_of(multiply) for _ in range(3)) / repeats


def _seconds_of(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started
