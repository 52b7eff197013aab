"""Backends that run a level's PyTorch module as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import UserError
from .ladder import Level

if TYPE_CHECKING:
    from .backends import CompiledStep


class Torch:
    """Eager PyTorch on the CPU: the reference. The number of threads is one for all of torch in a process."""

    name = "torch"
    _device = "cpu"

    def __init__(self, precision: str = "fp32", threads: int = 1) -> None:
        # torch itself is loaded when it is needed: it takes seconds and 300 MB
        self.precision, self.threads = precision, threads

    def compile(self, level: Level, samples: int) -> CompiledStep:
        return _TorchStep(samples, level.build().to(self._device), self.threads)

    def is_converted(self, level: Level, samples: int) -> bool:
        return True


class Cuda(Torch):
    """Eager PyTorch on the graphics processor. A chunk is so little work that launching its operations takes longer
    than they do: for trying a large separator, not for a small one."""

    name = "cuda"
    _device = "cuda"

    def __init__(self, precision: str = "fp32", threads: int = 1) -> None:
        super().__init__(precision, threads)
        import torch

        if not torch.cuda.is_available():
            raise UserError("torch finds no graphics processor here, or was built without CUDA: use another backend")


class _TorchStep:
    def __init__(self, samples: int, module: Any, threads: int) -> None:
        self.samples, self._module, self._threads = samples, module, threads
        self._device = next(module.parameters()).device

    def initial_state(self) -> Any:
        return self._module.initial_state(1)

    def cleared(self, state: Any) -> Any:
        return self.initial_state()

    def step(self, chunk: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        import torch

        torch.set_flush_denormal(True)  # a property of the calling thread
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        with torch.inference_mode():
            sources, state = self._module.step(torch.from_numpy(chunk).unsqueeze(0).to(self._device), state)
        return sources[0].cpu().numpy(), state

    def end_segment(self, state: Any) -> Any:
        import torch

        with torch.inference_mode():
            return self._module.end_segment(state)
