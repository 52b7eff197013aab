from pathlib import Path

import pytest
import torch
from torch import nn

from sepprune.separators import build_separator
from sepprune.training.benchmark import benchmark, products_of
from sepprune.training.settings import MixtureSettings, TrainingSettings


@pytest.mark.parametrize(
    ("layer", "shape", "products"),
    [
        (nn.Linear(4, 3), (2, 5, 4), {(10, 4, 3): 1}),
        (nn.Conv1d(4, 6, 3, padding=1), (2, 4, 5), {(10, 12, 6): 1}),
        (nn.Conv1d(4, 6, 1, groups=2), (2, 4, 5), {(10, 2, 3): 2}),
        (nn.ConvTranspose1d(4, 6, 3), (2, 4, 5), {(10, 4, 18): 1}),
        (nn.LSTM(4, 3, batch_first=True), (2, 5, 4), {(10, 4, 12): 1, (2, 3, 12): 5}),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_products_are_those_of_the_layer(layer: nn.Module, shape: tuple[int, ...], products: dict) -> None:
    assert products_of(layer, torch.zeros(shape)) == products
    assert not layer._forward_hooks


def test_a_benchmark_reports_speed_and_writes_nothing(data_folder: Path, tmp_path: Path) -> None:
    settings = TrainingSettings(
        str(tmp_path / "run"), str(data_folder), mixtures=MixtureSettings(seconds=0.8, batch=2), threads=1
    )
    report = benchmark(
        settings, build_separator("skim", features=16, hidden=8, blocks=1, segment=10, memory=8), seconds=0.3
    )
    assert report["hours_per_hour"] == pytest.approx(2 * 0.8 * report["updates_per_second"])
    assert all(report[name] > 0 for name in ("mixing_ms", "update_ms", "product_share"))
    assert not (tmp_path / "run").exists()
