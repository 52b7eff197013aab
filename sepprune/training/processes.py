"""Several processes that train one separator, started with ``torchrun``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from types import TracebackType

import torch
from torch import Tensor, distributed, nn


class Processes:
    """The processes of one run, or this process alone.

    ``torchrun`` sets ``WORLD_SIZE``, ``RANK`` and ``LOCAL_RANK``; without them this process is alone. On a CPU two
    processes with one thread each train nearly twice as fast as one process with two threads, which would wait for each
    other at every step of an LSTM.

    Use as a context manager.
    """

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        self.device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")

    @property
    def first(self) -> bool:
        """Whether this is the process that validates, writes and decides."""
        return self.rank == 0

    @property
    def restarted(self) -> bool:
        """Whether ``torchrun`` has started the processes again after one of them died."""
        return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0

    def __enter__(self) -> Processes:
        if self.count > 1:
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.count > 1:
            distributed.destroy_process_group()

    def agree(self, value: int) -> int:
        """The value of the first process, in every process."""
        if self.count == 1:
            return value
        shared = torch.tensor([value], device=self.device)
        distributed.broadcast(shared, src=0)
        return int(shared)

    def add_up(self, values: Tensor) -> None:
        """Replace values by their sum over all processes."""
        if self.count > 1:
            distributed.all_reduce(values)

    def share_weights(self, module: nn.Module) -> None:
        """Give the module of every process the weights and buffers of the first process."""
        if self.count > 1:
            for tensor in module.state_dict().values():
                shared = tensor.contiguous()  # a broadcast of anything else is refused
                distributed.broadcast(shared, src=0)
                tensor.copy_(shared)

    def average(self, gradients: Sequence[Tensor]) -> None:
        """Replace gradients by their mean over all processes, in place.

        ``DistributedDataParallel`` does this too. But it keeps the process group alive until the interpreter ends, and
        the group's threads sometimes abort the process then.
        """
        if self.count > 1 and gradients:
            total = torch.cat([gradient.flatten() for gradient in gradients])
            self.add_up(total)
            pieces = torch.split(total / self.count, [gradient.numel() for gradient in gradients])
            for gradient, piece in zip(gradients, pieces, strict=True):
                gradient.copy_(piece.view_as(gradient))
