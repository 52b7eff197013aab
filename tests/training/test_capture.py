"""What a processor can tell about CUDA graphs: without a GPU the same function is called."""

import pytest
import torch

from sepprune.training.capture import Captured

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
