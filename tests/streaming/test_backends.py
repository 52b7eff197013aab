from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from sepprune.errors import UserError
from sepprune.pruning import Floor, analyze, prune
from sepprune.separators import build_separator
from sepprune.streaming import (
    Ladder,
    LevelRecord,
    StreamingSeparator,
    available,
    backend_names,
    create_backend,
    write_ladder,
)
from tests.streaming.ladders import SETTINGS, babble

EVERY = pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "torch"])


@pytest.fixture(params=["skim", "conv-tasnet"])
def ladder(request: pytest.FixtureRequest) -> Ladder:
    return request.getfixturevalue({"skim": "skim_ladder", "conv-tasnet": "tcn_ladder"}[request.param])


def stream_all(stream: StreamingSeparator, mixture: np.ndarray) -> np.ndarray:
    return np.concatenate([stream.step(chunk) for chunk in mixture.reshape(-1, stream.chunk)], axis=1)


@EVERY
def test_a_stream_gives_the_batch_output(ladder: Ladder, backend: str) -> None:
    mixture = babble(6.4)
    with torch.inference_mode():
        batch = ladder.build(0)(torch.from_numpy(mixture)[None])[0][0].numpy()
    with StreamingSeparator(ladder, chunk_ms=8, backend=backend) as stream:
        np.testing.assert_allclose(stream_all(stream, mixture), batch, atol=1e-4)


@pytest.mark.parametrize("family", ["skim", "conv-tasnet"])
@EVERY
def test_a_level_without_some_of_its_blocks_gives_the_batch_output(backend: str, family: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    dense = build_separator(family, **SETTINGS[family]).eval()
    before = analyze(dense)
    (first,) = [group["macs_per_second"] for group in before.groups if group["id"].startswith("network.0")]
    result = prune(
        dense,
        macs=1 - 0.75 * first / before.macs_per_second,
        method="random",
        floor=Floor(whole_branches=True, narrowest=100),
        include=["network.*"],
        exclude=["bottleneck*"],
    )
    assert result.report["removed"]
    level = LevelRecord(family, SETTINGS[family], result.plan, result.model.state_dict(), {"macs_per_second": 1.0})
    mixture = babble(3.2)
    with torch.inference_mode():
        batch = result.model(torch.from_numpy(mixture)[None])[0][0].numpy()
    with StreamingSeparator(write_ladder(tmp_path, "small", [level], {}), chunk_ms=8, backend=backend) as stream:
        np.testing.assert_allclose(stream_all(stream, mixture), batch, atol=1e-4)


@pytest.mark.parametrize(("backend", "family"), [("openvino", "skim_ladder"), ("onnxruntime", "tcn_ladder")])
def test_backends_agree_while_levels_change(backend: str, family: str, request: pytest.FixtureRequest) -> None:
    ladder, mixture, outputs = request.getfixturevalue(family), babble(3.2), []
    for name in (backend, "torch"):
        with StreamingSeparator(ladder, chunk_ms=8, backend=name) as stream:
            parts = []
            for number, chunk in enumerate(mixture.reshape(-1, stream.chunk)):
                if number in (60, 130, 240):
                    stream.set_level(1 - stream.level, wait=True)
                parts.append(stream.step(chunk))
            outputs.append(np.concatenate(parts, axis=1))
    np.testing.assert_allclose(*outputs, atol=1e-4)


def test_weights_in_8_bits_change_the_sources_by_less_than_a_thousandth_of_their_energy() -> None:
    mixture, outputs = babble(3.2), []
    for precision in ("fp32", "int8"):
        with StreamingSeparator(Ladder.load(None), backend="openvino", precision=precision) as stream:
            outputs.append(stream_all(stream, mixture))
    exact, rounded = outputs
    assert 0 < np.square(rounded - exact).sum() < 1e-3 * np.square(exact).sum()


@EVERY
def test_two_threads_separate_like_one(ladder: Ladder, backend: str) -> None:
    mixture, outputs = babble(0.32), []
    for threads in (1, 2):
        with StreamingSeparator(ladder, backend=backend, threads=threads) as stream:
            outputs.append(stream_all(stream, mixture))
    np.testing.assert_allclose(*outputs, atol=1e-5)


@pytest.mark.parametrize("threads", [0, 100_000])
def test_threads_are_at_most_the_cores(threads: int) -> None:
    with pytest.raises(UserError, match=f"{threads} threads are not possible: choose from 1 to"):
        create_backend(threads=threads)


@EVERY
def test_two_states_of_one_compiled_step_do_not_touch_each_other(tcn_ladder: Ladder, backend: str) -> None:
    compiled = create_backend(backend).compile(tcn_ladder[0], 128)
    mixture, outputs = babble(0.16).reshape(-1, 128), []
    for disturbed in (False, True):
        state, other, parts = compiled.initial_state(), compiled.initial_state(), []
        for chunk in mixture:
            sources, state = compiled.step(chunk, state)
            parts.append(sources.copy())
            if disturbed:
                other = compiled.step(-3 * chunk, other)[1]
        outputs.append(parts)
    np.testing.assert_array_equal(*outputs)


@EVERY
@pytest.mark.parametrize("chunk", [np.zeros(128, "f4"), np.full(128, 1e-40, "f4")], ids=["zero", "denormal"])
def test_silence_gives_finite_sources(ladder: Ladder, backend: str, chunk: np.ndarray) -> None:
    with StreamingSeparator(ladder, backend=backend) as stream:
        assert all(np.isfinite(stream.step(chunk)).all() for _ in range(30))


def test_auto_is_the_fastest_backend_that_is_installed() -> None:
    assert create_backend("auto").name == backend_names()[0] == "openvino"


def test_precision_is_fp32_unless_asked_for() -> None:
    assert {create_backend(name).precision for name, _ in available()} == {"fp32"}


def test_every_backend_that_works_here_is_available_in_fp32() -> None:
    named = {name for name in backend_names() if name != "cuda" or torch.cuda.is_available()}
    assert {name for name, precision in available() if precision == "fp32"} == named


@pytest.mark.parametrize(
    ("name", "precision", "sentence"),
    [
        ("tensorrt", "fp32", "no backend is called 'tensorrt': choose from auto, openvino"),
        ("torch", "bf16", "torch does not compute in 'bf16': choose from fp32"),
        ("openvino", "int3", "openvino does not compute in 'int3': choose from fp32, bf16"),
    ],
)
def test_what_a_backend_cannot_do_is_said(name: str, precision: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        create_backend(name, precision)


SCRIPT = """
import sys, numpy
from sepprune.streaming import Ladder, StreamingSeparator
stream = StreamingSeparator(Ladder.load(sys.argv[1]), backend=sys.argv[2])
stream.step(numpy.zeros(stream.chunk, numpy.float32))
print(sorted({"torch", "onnx"} & set(sys.modules)))
"""


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_a_converted_level_streams_without_torch(tcn_ladder: Ladder, backend: str) -> None:
    StreamingSeparator(tcn_ladder, backend=backend).close()
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tcn_ladder.folder), backend],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert found.stdout.strip() == "[]"


SIGNALLED = """
import signal, sys
from sepprune.streaming import Ladder, StreamingSeparator
signal.signal(signal.SIGINT, lambda *_: print("handled"))
ladder = Ladder.load(sys.argv[1])
streams = [StreamingSeparator(ladder, backend="openvino", precision="fp32") for _ in range(2)]
while streams:
    streams.pop(0).close()
signal.raise_signal(signal.SIGINT)
"""


def test_a_process_whose_streams_are_closed_still_handles_signals(tcn_ladder: Ladder) -> None:
    found = subprocess.run(
        [sys.executable, "-c", SIGNALLED, str(tcn_ladder.folder)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert (found.returncode, found.stdout.strip()) == (0, "handled")


def test_even_the_first_conversion_to_onnx_leaves_torch_to_another_process(
    tcn_ladder: Ladder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPPRUNE_CACHE", str(tmp_path))
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tcn_ladder.folder), "onnxruntime"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert found.stdout.strip() == "[]" and any(tmp_path.iterdir())
