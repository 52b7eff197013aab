"""Batches that other processes make while a run trains."""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..errors import UserError
from ..signals import ignore_requests_to_end

#: batches that each process makes ahead; each one lies in shared memory, of which a container often has only 64 MB
_AHEAD = 2
#: where Linux keeps shared memory
_SHARED_MEMORY = "/dev/shm"


def loaded(data: Dataset[Any], workers: int, pinned: bool = False) -> Iterator[tuple[Tensor, ...]]:
    """The items of a dataset in their order. Worker processes start to make them at once.

    Args:
        data: tuples of tensors.
        workers: processes, 0 for this one. They ignore Ctrl-C, which would end them before the run is saved.
        pinned: put the tensors into memory from which a GPU copies faster.

    Raises:
        UserError: a worker cannot put an item into shared memory; raised by the iterator.
    """
    loader = DataLoader(
        _Shared(data) if workers else data,
        batch_size=None,
        shuffle=False,
        num_workers=workers,
        prefetch_factor=_AHEAD if workers else None,
        worker_init_fn=_ignore_signals,
        pin_memory=pinned,
    )
    return _items(iter(loader))


def _items(batches: Iterator[tuple[Tensor, ...]]) -> Iterator[tuple[Tensor, ...]]:
    try:
        yield from batches
        return
    except _SharedMemoryFull as error:
        traceback.clear_frames(error.__traceback__)  # they refer to the iterator, and would keep its processes alive
        del batches
    raise UserError(
        f"shared memory{_room()} has no room for the next mixtures: give it more (docker run --shm-size 1g), or make "
        "batch or seconds of the mixtures smaller"
    )


def _room() -> str:
    if not os.path.isdir(_SHARED_MEMORY):
        return ""
    usage = shutil.disk_usage(_SHARED_MEMORY)
    return f" ({_SHARED_MEMORY}, {usage.free / 1e6:.0f} MB of {usage.total / 1e6:.0f} MB free)"


class _SharedMemoryFull(Exception):
    """A worker could not put an item into shared memory."""


class _Shared(Dataset[tuple[Tensor, ...]]):
    """A dataset whose items are in shared memory when a worker returns them.

    Otherwise a thread of the worker would put them there later. An error of that thread reaches nobody, and the run
    would wait for the item without end.
    """

    def __init__(self, data: Dataset[Any]) -> None:
        self._data = data

    def __len__(self) -> int:
        return len(self._data)  # type: ignore[arg-type]

    def __getitem__(self, number: int) -> tuple[Tensor, ...]:
        item = tuple(self._data[number])
        try:
            return tuple(tensor.share_memory_() for tensor in item)
        except RuntimeError as error:
            raise _SharedMemoryFull(str(error)) from None


def _ignore_signals(_: int) -> None:
    ignore_requests_to_end()
