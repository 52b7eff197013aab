"""Levels with a learned encoder stream through compiled backends as in torch, for chunks of any number of hops."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sepprune.errors import UserError
from sepprune.pruning import Floor, prune
from sepprune.separators import CausalSeparator, build_separator
from sepprune.separators.tasnet import LearnedSeparator
from sepprune.separators.tasnet_skim import TasnetSkiM
from sepprune.separators.tasnet_tcn import TasnetTCN
from sepprune.streaming import Ladder, LevelRecord, create_backend, write_ladder
from sepprune.streaming.openvino_graphs import tasnet, tasnet_skim, tasnet_tcn
from sepprune.streaming.runner import LevelRunner, call_samples
from tests.streaming.ladders import babble

RATE, HOP = 8000, 4
FILTERS = {"basis": 20, "hop": HOP, "window": 2 * HOP, "sample_rate": RATE}
TCN = {**FILTERS, "bottleneck": 12, "hidden": 16, "blocks": 3, "repeats": 2}
SKIM = {**FILTERS, "hidden": 16, "blocks": 3, "segment": 10}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "tcn": ("tasnet-tcn", TCN | {"biases": 0, "mask_activation": "linear"}),
    "tcn with skips": ("tasnet-tcn", TCN | {"skip": 8, "mask_activation": "sigmoid", "encoder_activation": "linear"}),
    "tcn with cumulative norms": ("tasnet-tcn", TCN | {"norm": "cumulative", "mask_activation": "softmax"}),
    "tcn with batch norms": ("tasnet-tcn", TCN | {"norm": "batch", "first_norm": "frame", "score_activation": "tanh"}),
    "tcn with windows of three hops": ("tasnet-tcn", TCN | {"window": 3 * HOP, "sources": 3}),
    "tcn with windows of one hop": ("tasnet-tcn", TCN | {"window": HOP, "kernel": 2}),
    "skim": ("tasnet-skim", SKIM),
    "skim whose memory carries hidden states": ("tasnet-skim", SKIM | {"carries": "hidden"}),
    "skim whose memory carries cells": ("tasnet-skim", SKIM | {"carries": "cell", "mask_activation": "tanh"}),
    "skim whose memory changes nothing": ("tasnet-skim", SKIM | {"carries": "same"}),
}


def dense(kind: str) -> tuple[str, dict[str, Any], CausalSeparator]:
    family, settings = KINDS[kind]
    torch.manual_seed(0)
    module = build_separator(family, **settings).eval()
    assert isinstance(module, CausalSeparator)
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(2).add_(0.2 * torch.randn(weight.shape) * (weight.dim() == 1))
        for name, buffer in module.named_buffers():
            if "running" in name:
                buffer.uniform_(0.5, 1.5)
    return family, settings, module


def written(
    folder: Path, family: str, settings: Mapping[str, Any], module: torch.nn.Module, plan: Any = None
) -> Ladder:
    record = LevelRecord(family, settings, plan, module.state_dict(), {"macs_per_second": 1e6})
    return write_ladder(folder / "ladder", "small", [record])


def streamed(ladder: Ladder, mixture: np.ndarray, hops: int, backend: str = "openvino") -> np.ndarray:
    step = create_backend(backend).compile(ladder[0], call_samples(ladder, ladder[0], hops * ladder.hop))
    runner = LevelRunner(ladder[0], step, ladder.hop, ladder.sources)
    out = np.zeros((ladder.sources, len(mixture)), np.float32)
    for start in range(0, len(mixture), hops * ladder.hop):
        runner.step(mixture[start : start + hops * ladder.hop], out[:, start : start + hops * ladder.hop])
    return out


def batch(ladder: Ladder, mixture: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return ladder.build(0)(torch.from_numpy(mixture)[None])[0][0].numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_a_chunk_of_any_number_of_hops_gives_what_torch_gives(kind: str, tmp_path: Path) -> None:
    ladder, mixture = written(tmp_path, *dense(kind)), 10 * babble(0.16, RATE)
    expected = batch(ladder, mixture)
    peak = np.abs(expected).max()
    assert peak > 0.05
    for hops in (1, 8, 64):
        np.testing.assert_allclose(streamed(ladder, mixture, hops), expected, rtol=0, atol=1e-5 * max(1, peak))


@pytest.mark.parametrize("kind", ["tcn with cumulative norms", "skim"])
def test_onnx_runtime_gives_what_torch_gives(kind: str, tmp_path: Path) -> None:
    ladder, mixture = written(tmp_path, *dense(kind)), babble(0.16, RATE)
    np.testing.assert_allclose(streamed(ladder, mixture, 5, "onnxruntime"), batch(ladder, mixture), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["tcn", "tcn with cumulative norms", "skim"])
def test_a_pruned_level_gives_what_torch_gives(kind: str, tmp_path: Path) -> None:
    family, settings, module = dense(kind)
    result = prune(module, macs=0.5, method="l2", floor=Floor(whole_branches=True, narrowest=10))
    ladder, mixture = written(tmp_path, family, settings, result.model, result.plan), babble(0.16, RATE)
    np.testing.assert_allclose(streamed(ladder, mixture, 8), batch(ladder, mixture), rtol=0, atol=1e-5)


def test_the_graphs_know_the_settings_of_the_torch_modules_and_their_defaults() -> None:
    filters = tasnet.LearnedFilters()
    defaults = {name: getattr(filters, name) for name in tasnet.SETTINGS}
    for module, known in (
        (LearnedSeparator, defaults),
        (TasnetTCN, tasnet_tcn.DEFAULTS),
        (TasnetSkiM, tasnet_skim.DEFAULTS),
    ):
        parameters = dict(inspect.signature(module.__init__).parameters)
        parameters.pop("self")
        parameters.pop("filters", None)
        assert {name: parameter.default for name, parameter in parameters.items()} == known


def test_a_setting_that_the_graphs_do_not_know_is_refused(tmp_path: Path) -> None:
    ladder = written(tmp_path, *dense("tcn"))
    level = dataclasses.replace(ladder[0], settings={**ladder[0].settings, "score_activation": "swish"})
    with pytest.raises(UserError, match="no activation is called 'swish'"):
        create_backend("openvino").compile(level, HOP)


def test_a_ladder_names_what_its_families_defaults_are(tmp_path: Path) -> None:
    settings = {"basis": 20, "hidden": 16, "blocks": 2}
    ladder = written(tmp_path, "tasnet-skim", settings, build_separator("tasnet-skim", **settings))
    assert (ladder.hop, ladder.window, ladder[0].settings["hop"], ladder[0].settings["window"]) == (16, 32, 16, 32)
