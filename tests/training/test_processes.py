import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.test_trainer import config  # noqa: F401

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0",
            "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]

GRADIENTS = """
import sys, torch
from sepprune.training.processes import Processes
torch.manual_seed(0)
model = torch.nn.Linear(3, 1)
inputs = torch.arange(12.0).reshape(4, 3)
with Processes() as processes:
    spread = processes.spread(model)
    mine = inputs[processes.rank::processes.count]
    spread(mine).square().mean().backward()
    if processes.first:
        torch.save(model.weight.grad, sys.argv[1])
"""


def test_two_processes_see_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    script = tmp_path / "gradients.py"
    script.write_text(GRADIENTS)
    here = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}  # the script lies elsewhere
    subprocess.run([*TORCHRUN, str(script), str(tmp_path / "gradient.pt")], check=True, timeout=120, env=here)
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    model(torch.arange(12.0).reshape(4, 3)).square().mean().backward()
    assert torch.allclose(torch.load(tmp_path / "gradient.pt"), model.weight.grad)


@pytest.mark.usefixtures("config")
def test_two_processes_draw_different_batches_and_write_one_run(config: Path, tmp_path: Path) -> None:  # noqa: F811
    report = tmp_path / "report.json"
    subprocess.run([*TORCHRUN, "-m", "sepprune", "train", str(config), "--minutes", "0.03", "--json", str(report)],
                   check=True, timeout=180)
    result = json.loads(report.read_text())
    batch_hours = 2 * 0.8 / 3600
    assert result["audio_hours"] == pytest.approx(2 * result["steps"] * batch_hours)
    assert len((tmp_path / "run/log.csv").read_text().splitlines()) >= 2
