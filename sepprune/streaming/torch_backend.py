"""Backends that run a level's PyTorch module as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import UserError
from .ladder import Level
from .protocols import Samples, State

if TYPE_CHECKING:
    from ..separators.base import CausalSeparator


class Torch:
    """Eager PyTorch on the CPU: the reference.

    Args:
        precision: ``fp32``.
        threads: that share a step; torch has one number of threads for all that a process computes.
    """

    name = "torch"
    _device = "cpu"

    def __init__(self, precision: str = "fp32", threads: int = 1) -> None:
        # torch itself is imported when it is needed: that takes seconds and 300 MB
        self.precision, self.threads = precision, threads

    def compile(self, level: Level, samples: int) -> _TorchStep:
        return _TorchStep(samples, level.build().to(self._device), self.threads)

    def is_converted(self, level: Level, samples: int) -> bool:
        return True


class Cuda(Torch):
    """Eager PyTorch on the GPU.

    A chunk is so little work that launching its operations takes longer than they do. Good for trying out a large
    separator, not for a small one.

    Raises:
        UserError: torch finds no GPU.
    """

    name = "cuda"
    _device = "cuda"

    def __init__(self, precision: str = "fp32", threads: int = 1) -> None:
        super().__init__(precision, threads)
        import torch

        if not torch.cuda.is_available():
            raise UserError("torch finds no GPU here, or was built without CUDA: use another backend")


class _TorchStep:
    def __init__(self, samples: int, module: CausalSeparator, threads: int) -> None:
        self.samples, self._module, self._threads = samples, module, threads
        self._device = next(module.parameters()).device

    def initial_state(self) -> State:
        return self._module.initial_state(1)

    def cleared(self, state: State) -> State:
        return self.initial_state()

    def step(self, chunk: Samples, state: State) -> tuple[Samples, State]:
        import torch

        torch.set_flush_denormal(True)  # a property of the calling thread
        if torch.get_num_threads() != self._threads:
            torch.set_num_threads(self._threads)
        with torch.inference_mode():
            sources, state = self._module.step(torch.from_numpy(chunk).unsqueeze(0).to(self._device), state)
        return sources[0].cpu().numpy(), state

    def end_segment(self, state: State) -> State:
        import torch

        with torch.inference_mode():
            return self._module.end_segment(state)
