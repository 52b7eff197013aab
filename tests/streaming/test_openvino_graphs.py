"""Graphs that are written from stored weights compute what the level's torch module does."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import soundfile
import torch

from sepprune.errors import UserError
from sepprune.resources import asset
from sepprune.separators import build_separator
from sepprune.separators.conv_tasnet import ConvTasNet
from sepprune.separators.skim import SkiM
from sepprune.separators.spectral import SpectralSeparator
from sepprune.streaming import Ladder, LevelRecord, create_backend, write_ladder
from sepprune.streaming.openvino_graphs import conv_tasnet, filterbank, skim
from sepprune.streaming.openvino_graphs.filterbank import Filterbank
from sepprune.streaming.runner import LevelRunner, call_samples
from tests.streaming.ladders import SETTINGS, babble

BUNDLED = Ladder.load(None)
#: longer than a segment of 200 frames of 8 ms
SECONDS = 2.4


@pytest.fixture(scope="module")
def mixture() -> np.ndarray:
    samples, _rate = soundfile.read(asset("demo/mixture.flac"), round(SECONDS * 16_000), start=16_000, dtype="float32")
    return samples


def expected(ladder: Ladder, level: int, mixture: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return ladder.build(level)(torch.from_numpy(mixture)[None])[0][0].numpy()


def streamed(ladder: Ladder, level: int, mixture: np.ndarray, chunk: int, precision: str = "fp32") -> np.ndarray:
    samples = call_samples(ladder, ladder[level], chunk)
    step = create_backend("openvino", precision).compile(ladder[level], samples)
    runner = LevelRunner(ladder[level], step, ladder.hop, ladder.sources)
    out = np.zeros((ladder.sources, len(mixture)), np.float32)
    for start in range(0, len(mixture), chunk):
        runner.step(mixture[start : start + chunk], out[:, start : start + chunk])
    return out


@pytest.mark.parametrize("level", range(8))
def test_every_bundled_level_gives_what_torch_gives_across_the_end_of_a_segment(
    level: int, mixture: np.ndarray
) -> None:
    batch = expected(BUNDLED, level, mixture)
    for chunk in (128, 256, 512):
        np.testing.assert_allclose(streamed(BUNDLED, level, mixture, chunk), batch, rtol=0, atol=1e-5)


@pytest.mark.parametrize("level", [0, 4, 7])
def test_the_error_of_weights_in_8_bits_is_45_db_below_the_sources(level: int, mixture: np.ndarray) -> None:
    batch = expected(BUNDLED, level, mixture)
    error = streamed(BUNDLED, level, mixture, 128, "int8") - batch
    assert 10 * np.log10(np.square(batch).sum() / np.square(error).sum()) > 45


@pytest.mark.parametrize("family", ["skim_ladder", "tcn_ladder"])
@pytest.mark.parametrize("hops", [1, 2, 5, 24])
def test_a_chunk_may_have_any_number_of_hops(family: str, hops: int, request: pytest.FixtureRequest) -> None:
    ladder = request.getfixturevalue(family)
    mixture = babble(0.96)
    np.testing.assert_allclose(
        streamed(ladder, 0, mixture, hops * ladder.hop), expected(ladder, 0, mixture), rtol=0, atol=1e-5
    )


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("conv-tasnet", {"kernel": 1}),
        ("conv-tasnet", {"low_bins": 20, "low_window": 256, "sources": 3, "consistency": 4}),
        ("skim", {"hidden": [16, 8, 12], "blocks": 3, "low_bins": 20, "low_window": 256, "consistency": 0}),
        ("skim", {"low_bins": 20, "low_window": 256, "input_level": -20}),
        ("conv-tasnet", {"input_level": [-26, -12], "consistency": 4}),
    ],
)
def test_every_setting_of_a_family_is_followed(family: str, settings: dict[str, object], tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = SETTINGS[family] | settings
    record = LevelRecord(family, whole, None, build_separator(family, **whole).state_dict(), {"macs_per_second": 1.0})
    ladder, mixture = write_ladder(tmp_path, "small", [record], {}), babble(0.96)
    for chunk in (32, 128):
        np.testing.assert_allclose(streamed(ladder, 0, mixture, chunk), expected(ladder, 0, mixture), rtol=0, atol=1e-5)


def test_settings_that_a_ladder_leaves_out_have_the_defaults_of_the_torch_modules() -> None:
    written = {field.name: field.default for field in dataclasses.fields(Filterbank)}
    written_skim = {"blocks": skim._DEFAULT_BLOCKS, "hidden": skim._DEFAULT_HIDDEN}
    written_tcn = {
        "blocks": conv_tasnet._DEFAULT_BLOCKS,
        "hidden": conv_tasnet._DEFAULT_HIDDEN,
        "dilations": conv_tasnet._DEFAULT_DILATIONS,
        "kernel": conv_tasnet._DEFAULT_KERNEL,
    }
    for module, defaults in ((SpectralSeparator, written), (SkiM, written_skim), (ConvTasNet, written_tcn)):
        parameters = inspect.signature(module.__init__).parameters
        assert {name: parameters[name].default for name in defaults} == defaults


def test_the_graphs_know_the_settings_of_the_torch_modules() -> None:
    for module, known in (
        (SpectralSeparator, filterbank.SETTINGS | {"width"}),
        (SkiM, skim.SETTINGS | {"filterbank"}),
        (ConvTasNet, conv_tasnet.SETTINGS | {"filterbank"}),
    ):
        assert known == inspect.signature(module.__init__).parameters.keys() - {"self"}


def test_a_setting_that_the_graphs_do_not_know_is_refused(skim_ladder: Ladder) -> None:
    level = dataclasses.replace(skim_ladder[0], settings={**skim_ladder[0].settings, "attention": 4})
    with pytest.raises(UserError, match="does not fit this version's skim .*has no setting 'attention'"):
        create_backend("openvino").compile(level, 32)


def with_weights(ladder: Ladder, folder: Path, change: dict[str, np.ndarray | None]) -> Ladder:
    """A copy of a ladder whose level 0 has these weights besides; ``None`` takes one away."""
    copy = shutil.copytree(ladder.folder, folder / "copy")
    weights = safetensors.numpy.load_file(copy / "level-0.safetensors") | change
    content = safetensors.numpy.save({name: value for name, value in weights.items() if value is not None})
    (copy / "level-0.safetensors").write_bytes(content)
    index = (copy / "ladder.json").read_text()
    (copy / "ladder.json").write_text(index.replace(ladder[0].sha256, hashlib.sha256(content).hexdigest()))
    return Ladder.load(copy)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"extra.weight": np.zeros(3, np.float32)}, "it has no layer for extra.weight"),
        ({"mask.bias": None}, "'mask.bias' is missing"),
        ({"mask.weight": np.zeros((7, 3), np.float32)}, ""),
    ],
)
def test_weights_that_do_not_fit_the_family_are_one_sentence(
    skim_ladder: Ladder, tmp_path: Path, change: dict[str, np.ndarray | None], reason: str
) -> None:
    ladder = with_weights(skim_ladder, tmp_path, change)
    with pytest.raises(UserError, match=f"level 0 of .* does not fit this version's skim .*{reason}"):
        create_backend("openvino").compile(ladder[0], ladder.hop)


def test_a_family_without_graphs_is_named(skim_ladder: Ladder) -> None:
    level = dataclasses.replace(skim_ladder[0], model="tdanet")
    with pytest.raises(UserError, match="is a tdanet, .* choose the backend onnxruntime or torch"):
        create_backend("openvino").compile(level, 32)
