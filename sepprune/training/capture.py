"""CUDA graphs: work that is always the same is launched as a whole, so that the host is not the bottleneck."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

#: calls before the capture, in which libraries set themselves up
_WARM_UP = 3


class Captured:
    """A function of tensors that runs as one CUDA graph on a stream of its own.

    Several of them run side by side: small layers leave most of a GPU idle. On other devices, or if capturing is not
    wanted, the function is simply called.

    Args:
        function: takes and returns tensors of fixed shapes. It must not depend on values or on anything on the host.
        device: of the tensors.
        state: tensors that the function changes; the warm-up before the capture leaves them as they were.
        enabled: whether to capture where the device is a GPU.
    """

    def __init__(
        self,
        function: Callable[..., tuple[Tensor, ...]],
        device: torch.device,
        state: Sequence[Tensor] = (),
        enabled: bool = True,
    ) -> None:
        self._function, self._device, self._state = function, device, state
        self._stream: torch.cuda.Stream | None = None
        self._copied: torch.cuda.Event | None = None
        if enabled and device.type == "cuda":
            self._stream = torch.cuda.Stream(device)
            self._copied = torch.cuda.Event()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._inputs: tuple[Tensor, ...] = ()
        self._outputs: tuple[Tensor, ...] = ()

    def __call__(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Start the work; call :meth:`wait` before using what it returns or changes.

        The inputs may be overwritten afterwards. The outputs are overwritten by the next call.
        """
        if self._stream is None or self._copied is None:
            return self._function(*inputs)
        current = torch.cuda.current_stream(self._device)
        self._copied.synchronize()  # the host is at most two calls ahead
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            if self._graph is None:
                self._graph = self._capture(inputs)
            for mine, given in zip(self._inputs, inputs, strict=True):
                mine.copy_(given)
            self._copied.record()
            self._graph.replay()
        current.wait_event(self._copied)
        return self._outputs

    def wait(self) -> None:
        """Let the current stream wait for the work."""
        if self._stream is not None:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)

    def _capture(self, inputs: Sequence[Tensor]) -> torch.cuda.CUDAGraph:
        self._inputs = tuple(tensor.clone() for tensor in inputs)
        before = [tensor.clone() for tensor in self._state]
        for _ in range(_WARM_UP):
            self._function(*self._inputs)
        torch.cuda.synchronize(self._device)
        graph = torch.cuda.CUDAGraph()
        # another thread pins the memory of the next batches, which the default mode would not allow meanwhile
        with torch.cuda.graph(graph, stream=self._stream, capture_error_mode="thread_local"):
            self._outputs = self._function(*self._inputs)
        with torch.no_grad():
            for tensor, old in zip(self._state, before, strict=True):
                tensor.copy_(old)
        return graph
