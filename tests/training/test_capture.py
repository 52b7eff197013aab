"""CUDA graphs, as far as they can be tested without a GPU: what is captured must not need the host."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sepprune.data.collection import Collection
from sepprune.separators import build_separator
from sepprune.training.capture import Captured
from sepprune.training.learner import Learner
from sepprune.training.lessons import TeacherOutput
from sepprune.training.mixtures import SceneBatches, load_sounds
from sepprune.training.render_device import render_batch
from sepprune.training.settings import OptimiserSettings, TrainingSettings
from tests.training.test_render_device import EVERYTHING

DEVICES = [torch.device("cpu")] + ([torch.device("cuda")] if torch.cuda.is_available() else [])


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_every_call_works_on_its_own_inputs(device: torch.device) -> None:
    total = torch.zeros((), device=device)

    def add(value: torch.Tensor) -> tuple[torch.Tensor, ...]:
        total.add_(value)
        return (total.clone(),)

    work = Captured(add, device, [total])
    sums = []
    for value in (1.0, 2.0, 3.0):
        [result] = work(torch.tensor(value, device=device))
        work.wait()
        sums.append(float(result))
    assert sums == [1.0, 3.0, 6.0] and float(total) == 6.0  # the warm-up of a capture changes nothing


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_without_capture_the_function_is_called(device: torch.device) -> None:
    calls = []
    work = Captured(lambda value: (calls.append(1) or value,), device, enabled=False)
    for _ in range(3):
        work(torch.zeros(1, device=device))
    work.wait()
    assert len(calls) == 3


class HostOperations(TorchDispatchMode):
    """Collects operations that a CUDA graph cannot capture: those that read values on the host, or copy from there."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(function)
        if any(part in name for part in ("_local_scalar_dense", "nonzero", "lift_fresh", "aten.equal")):
            self.names.add(name)
        return function(*args, **(kwargs or {}))


def test_operations_on_the_host_are_noticed() -> None:
    with HostOperations() as found:
        flag = torch.tensor([1.0]) > 0
        bool(flag)
    assert found.names == {"aten.lift_fresh.default", "aten._local_scalar_dense.default"}


def test_rendering_needs_nothing_from_the_host(data_folder: Path) -> None:
    scenes = SceneBatches(EVERYTHING, load_sounds(Collection(data_folder), "train", EVERYTHING), 10, 0)[0]
    with HostOperations() as found:
        render_batch(scenes)
    assert not found.names


@pytest.mark.parametrize("method", ["adam", "muon"])
@pytest.mark.parametrize("taught", [False, True])
def test_an_update_needs_nothing_from_the_host(tmp_path: Path, method: str, taught: bool) -> None:
    optimiser = OptimiserSettings(method=method, weight_decay=0.1)
    settings = TrainingSettings(str(tmp_path), "", imitation=0.5, even_gradients=True, optimiser=optimiser)
    learner = Learner(settings, build_separator("skim", features=16, hidden=8, blocks=1, segment=10, memory=8))
    mixture, reference = torch.randn(2, 1280), torch.randn(2, 2, 1280)
    teacher = TeacherOutput(torch.randn(2, 2, 1280 - learner.separator.delay)) if taught else None
    rate = torch.tensor(1e-3)
    with HostOperations() as found:
        learner.learn(mixture, reference, rate, teacher)
    # the last state of a separator is a number on the host, which is not copied to a device
    assert found.names <= {"aten.lift_fresh.default"}
    assert math.isfinite(learner.mean_loss())
