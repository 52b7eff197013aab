"""Batches of data for learning masks: what of them goes into the module, and how they are repeated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch.utils._pytree import tree_leaves

from ..checked import shown
from ..errors import UserError
from .graph.call import Call

#: ``(inputs, references)``, or the inputs alone where the loss needs no references. Inputs are a mixture, a tuple of
#: positional inputs, or a dictionary; pairs, lists and tensors are accepted, as data loaders of any library yield them
Batch = Any

#: batches of a generator that are kept in memory so that they can be repeated
MOST_KEPT = 32


def call_of(batch: Batch, example: Call, rank: int, device: torch.device) -> Call:
    """The call of the module for a batch.

    Args:
        batch: inputs with or without references.
        example: the call that was traced first. Inputs that the batch does not give are taken from it.
        rank: number of dimensions of the module's first input; a first input with one less gets a channel dimension.
        device: where the inputs are needed.

    Raises:
        UserError: there is no tensor in the batch.
    """
    inputs = batch[0] if isinstance(batch, (tuple, list)) and len(batch) else batch
    if not any(isinstance(leaf, torch.Tensor) for leaf in tree_leaves(inputs)):
        raise UserError(
            f"the inputs of a batch of data are {shown(inputs)}, without a tensor: give batches of torch tensors as "
            "data=, such as torch.from_numpy(mixture).float() for an array"
        )
    positional, keywords = example.arguments()
    if isinstance(inputs, Mapping):  # one dictionary as its only input, or all inputs by name
        return replace(Call.of((), inputs) if keywords else Call.of((inputs,)), of_data=True).to(device)
    given = tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    call = replace(Call.of((*given, *positional[len(given) :]), keywords), of_data=True).to(device)
    first = call.tensors[0]
    return call.with_first(first.unsqueeze(1)) if first.dim() == rank - 1 else call


def endless(data: Iterable[Batch]) -> Iterator[Batch]:
    """Batches, again from the start when they run out.

    Raises:
        UserError: there are none, or it is nothing that has batches.
    """
    if isinstance(data, (str, Mapping)) or not (hasattr(data, "__iter__") or hasattr(data, "__getitem__")):
        raise UserError(
            f"data is {shown(data)}, {type(data).__name__}: give batches, such as a list of pairs "
            "(mixture, references) or a DataLoader"
        )
    seen: list[Batch] = []
    count = 0
    once = iter(data) is data  # a generator cannot be started again, so its batches are kept while they are few
    for batch in data:
        count += 1
        if once and count <= MOST_KEPT:
            seen.append(batch)
        else:
            seen.clear()
        yield batch
    if not count:
        raise UserError("the data for learning masks has no batches: give at least one")
    if count > len(seen) and once:
        raise UserError(
            f"the generator of data ended after {count} batches, more than the {MOST_KEPT} that are repeated: give a "
            "list or a DataLoader, which can be repeated, or as many batches as steps"
        )
    while True:
        yield from seen if once else data
