import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.test_trainer import config  # noqa: F401

TORCHRUN = [
    sys.executable,
    "-m",
    "torch.distributed.run",
    "--nproc-per-node",
    "2",
    "--master-port",
    "0",
    "--rdzv-backend",
    "c10d",
    "--rdzv-endpoint",
    "localhost:0",
]

GRADIENTS = """
import sys, torch
from sepprune.training.processes import Processes
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
inputs = torch.arange(12.0).reshape(4, 3)
with Processes() as processes:
    model(inputs[processes.rank::processes.count]).square().mean().backward()
    processes.average([model.weight.grad, model.bias.grad])
    if processes.first:
        torch.save(model.weight.grad, sys.argv[1])
"""


MUON = """
import sys, torch
import copy
from sepprune.training.optimiser import Optimiser
from sepprune.training.processes import Processes
from sepprune.training.settings import OptimiserSettings
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Linear(8, 8), torch.nn.Linear(8, 2))
inputs = torch.randn(4, 6)
with Processes() as processes:
    settings = OptimiserSettings(method="muon")
    optimiser = Optimiser(model, copy.deepcopy(model).requires_grad_(False), settings, processes)
    for _ in range(3):
        model.zero_grad()
        model(inputs[processes.rank::processes.count]).square().mean().backward()
        optimiser.step(torch.tensor(1e-3))
    if processes.first:
        torch.save((model.state_dict(), optimiser.state_dict()), sys.argv[1])
"""


WEIGHTS = """
import os, sys, torch
from sepprune.training.processes import Processes
with Processes() as processes:
    torch.manual_seed(processes.rank)
    model = torch.nn.BatchNorm1d(3)
    torch.nn.init.normal_(model.weight)
    processes.share_weights(model)
    if processes.rank == processes.count - 1:
        torch.save(model.weight.detach(), sys.argv[1])
"""


SCORES = """
import sys, torch
from sepprune.separators import build_separator
from sepprune.training.learner import Learner
from sepprune.training.processes import Processes
from sepprune.training.settings import TrainingSettings
torch.manual_seed(0)
separator = build_separator("skim", features=16, hidden=8, blocks=1, segment=10, memory=8)
sets = {name: (torch.randn(count, 8064), torch.randn(count, 2, 8064)) for name, count in (("clean", 3), ("room", 1))}
with Processes() as processes:
    learner = Learner(TrainingSettings(sys.argv[1] + ".run", ""), separator, processes=processes)
    score = learner.validate(sets)
    if processes.rank == processes.count - 1:
        torch.save(torch.tensor(score), sys.argv[1])
"""


def run_script(text: str, result: Path, command: list[str]) -> None:
    script = result.with_suffix(".py")
    script.write_text(text)
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}  # the script is in another folder
    subprocess.run([*command, str(script), str(result)], check=True, timeout=120, env=here)


def test_two_processes_have_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    run_script(GRADIENTS, tmp_path / "gradient.pt", TORCHRUN)
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    model(torch.arange(12.0).reshape(4, 3)).square().mean().backward()
    assert torch.allclose(torch.load(tmp_path / "gradient.pt"), model.weight.grad)


def test_two_processes_start_with_the_weights_of_the_first(tmp_path: Path) -> None:
    run_script(WEIGHTS, tmp_path / "weights.pt", TORCHRUN)
    torch.manual_seed(0)
    assert torch.equal(torch.load(tmp_path / "weights.pt"), torch.randn(3))


def test_two_processes_that_share_the_work_of_muon_reach_the_weights_and_the_state_of_one(
    tmp_path: Path,
) -> None:
    run_script(MUON, tmp_path / "two.pt", TORCHRUN)
    run_script(MUON, tmp_path / "one.pt", [sys.executable])
    (weights, states), (expected, expected_states) = torch.load(tmp_path / "two.pt"), torch.load(tmp_path / "one.pt")
    torch.testing.assert_close(weights, expected, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(states, expected_states, rtol=1e-3, atol=1e-6)


@pytest.mark.usefixtures("config")
def test_two_processes_draw_different_batches_and_write_one_run(config: Path, tmp_path: Path) -> None:  # noqa: F811
    report = tmp_path / "report.json"
    subprocess.run(
        [*TORCHRUN, "-m", "sepprune", "train", str(config), "--minutes", "0.03", "--json", str(report)],
        check=True,
        timeout=180,
    )
    result = json.loads(report.read_text())
    batch_hours = 2 * 0.8 / 3600
    assert result["audio_hours"] == pytest.approx(2 * result["steps"] * batch_hours)
    assert len((tmp_path / "run/log.csv").read_text().splitlines()) >= 2


def test_processes_share_a_validation_and_know_its_score(tmp_path: Path) -> None:
    scores = []
    for name, command in (("one.pt", [sys.executable]), ("two.pt", TORCHRUN)):
        run_script(SCORES, tmp_path / name, command)
        scores.append(torch.load(tmp_path / name))
        log = (tmp_path / f"{name}.run" / "log.csv").read_text().splitlines()
        assert len(log) == 2
    torch.testing.assert_close(*scores)
