"""Reading checkpoints of other programs: files, tensors by name, and what a configuration says."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from ..checked import LONGEST_TEXT, Table, shown
from ..errors import UserError
from ..files import is_regular, reason

#: bytes of a checkpoint; far beyond what a processor can stream
_LARGEST = 2 * 2**30
#: unknown settings that a sentence names
_SHOWN = 5
#: how files of torch start: as an archive, and as a pickle before there were archives
_STARTS = (b"PK", b"\x80")


@dataclass(frozen=True)
class Imported:
    """A separator of another program, as one of this program.

    Attributes:
        family, settings: as :func:`sepprune.separators.build_separator` takes them.
        weights: under the names of that separator.
        card: where it comes from, for people.
        notes: sentences about what the configuration says and the other program does not do.
    """

    family: str
    settings: Mapping[str, Any]
    weights: Mapping[str, Tensor]
    card: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Weights:
    """The tensors of a checkpoint by name, and which of them were taken.

    Args:
        tensors: the content.
        where: name of the file in messages.
    """

    def __init__(self, tensors: Mapping[str, Tensor], where: str) -> None:
        self._tensors, self._where, self._left = tensors, where, set(tensors)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    def take(self, name: str) -> Tensor:
        """A tensor in single precision.

        Raises:
            UserError: there is none of that name.
        """
        if name not in self._tensors:
            raise UserError(
                f"{self._where} lacks the tensor {name}, which its configuration asks for: give the configuration that "
                "was written beside it"
            )
        self._left.discard(name)
        return self._tensors[name].detach().float().clone()

    def masks(self, name: str, basis: int, sources: int, noise: bool) -> Tensor:
        """The tensor of a layer that gives every source, and the noise as a last one, a mask of ``basis`` filters.

        Raises:
            UserError: there is none of that name, or it has another number of rows.
        """
        found, rows = self.take(name), basis * (sources + noise)
        if found.dim() == 0 or len(found) != rows:
            raise UserError(
                f"{name} of {self._where} has the shape {tuple(found.shape)}, its configuration asks for {rows} rows: "
                "give the configuration that was written beside it"
            )
        return found

    def layer(self, source: str, target: str) -> dict[str, Tensor]:
        """Weight and, where there is one, bias of a layer, under another name."""
        found = {f"{target}.weight": self.take(f"{source}.weight")}
        if f"{source}.bias" in self:
            found[f"{target}.bias"] = self.take(f"{source}.bias")
        return found

    def lstm(self, source: str, target: str) -> dict[str, Tensor]:
        """Weights of an LSTM of one layer, under another name."""
        names = [f"{kind}_{part}_l0" for kind in ("weight", "bias") for part in ("ih", "hh")]
        return {f"{target}.{name}": self.take(f"{source}.{name}") for name in names}

    def norm(self, source: str, target: str) -> dict[str, Tensor]:
        """Scale and shift of a norm over channels, or a batch norm with its statistics, under another name."""
        if f"{source}.gamma" in self:
            names = {"gamma": "weight", "beta": "bias"}
            return {f"{target}.{ours}": self.take(f"{source}.{theirs}").flatten() for theirs, ours in names.items()}
        found = {f"{target}.{name}": self.take(f"{source}.{name}") for name in _BATCH_NORM}
        self._left.discard(f"{source}.{_COUNTER}")
        return found | {f"{target}.{_COUNTER}": torch.tensor(0)}

    def check_all_taken(self, ignored: Collection[str] = ()) -> None:
        """Refuse a checkpoint with tensors that no layer took, apart from those whose names start with ``ignored``."""
        left = sorted(name for name in self._left if not name.startswith(tuple(ignored)))
        if left:
            raise UserError(
                f"{self._where} has {len(left)} tensors that its configuration does not explain, such as {left[0]}: "
                "give the configuration that was written beside it"
            )


_BATCH_NORM, _COUNTER = ("weight", "bias", "running_mean", "running_var"), "num_batches_tracked"


def read_pickle(path: Path) -> Mapping[str, Any]:
    """The content of a checkpoint that torch wrote: tensors and plain data alone, never objects that run code.

    Raises:
        UserError: there is no such file, it is too large, or it contains anything else.
    """
    advice = "give a checkpoint of torch that holds weights and plain data, or the name of one on the Hugging Face hub"
    try:
        if not is_regular(path):
            raise UserError(f"there is no checkpoint {path}: {advice}")
        if path.stat().st_size > _LARGEST:
            raise UserError(f"{path} has {path.stat().st_size / 1e9:.1f} GB, expected at most 2 GB: {advice}")
        with path.open("rb") as file:
            if not file.read(2).startswith(_STARTS):
                raise UserError(f"{path} is no checkpoint of torch: {advice}")
        with _harmless_types(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns about pickles that it then refuses
            content = torch.load(path, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL ([\w.]+)", str(error))
        if found is None:  # torch's own sentence advises to switch the check off
            raise UserError(
                f"{path} is not read: it is damaged, or holds more than weights and plain data, which could run code: "
                f"{advice}"
            ) from error
        raise UserError(f"{path} is not read, since that could run code (it holds a {found[1]}): {advice}") from error
    except (OSError, RuntimeError, ValueError, EOFError) as error:
        raise UserError(f"cannot read the checkpoint {path} ({reason(error)}): {advice}") from error
    except Exception as error:  # of any kind, where the file is damaged; they say nothing to people
        raise UserError(f"cannot read the checkpoint {path}, since it is damaged: {advice}") from error
    if not isinstance(content, Mapping):
        raise UserError(f"{path} holds a {type(content).__name__}, expected tensors by name: {advice}")
    return content


def tensors_of(content: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """The tensors of a dictionary that should hold nothing else.

    Raises:
        UserError: it holds something else, a tensor without plain values, or a value that is not finite.
    """
    wrong = [name for name, value in content.items() if not isinstance(name, str) or not isinstance(value, Tensor)]
    if wrong or not content:
        raise UserError(
            f"{path} has {shown(wrong[0] if wrong else None)} where weights by name were expected: give the file of a "
            "trained model, not a checkpoint of a training run"
        )
    for name, value in content.items():
        if unusable := _unusable(value):
            raise UserError(
                f"{name} in {path} {unusable}, expected a tensor that holds its numbers: save the weights of the "
                "trained model as they are in use, and give that file"
            )
        if value.is_floating_point() and not value.float().isfinite().all():
            raise UserError(f"{name} in {path} is not finite: the model was not trained successfully; give another one")
    return dict(content)


def _unusable(tensor: Tensor) -> str | None:
    """Why a tensor is not one that holds its numbers in memory; ``None`` where it is."""
    if tensor.is_meta:
        return "has a shape but no values (a meta tensor)"
    if tensor.layout != torch.strided or tensor.is_nested:
        return "is not dense"
    if tensor.is_quantized:
        return "is quantized"
    if tensor.is_complex():
        return "has complex values"
    if tensor.numel() * tensor.element_size() > _LARGEST:
        return f"has {tensor.numel()} values"
    return None


def choice(table: Table, key: str, default: str, known: Mapping[str, str]) -> str:
    """Our name for one of the names that a configuration may give.

    Args:
        table: of the configuration.
        key: the entry.
        default: their name where there is no entry.
        known: their names, and ours.

    Raises:
        UserError: it is another one.
    """
    name = table.text(key) if table.has(key) else default
    if name not in known:
        raise table.wrong(key, f"one of {', '.join(sorted(known))}")
    return known[name]


def number(table: Table, key: str, default: int, low: int, high: int) -> int:
    """A whole number of a configuration, or a default."""
    return table.integer(key, low, high) if table.has(key) else default


def flag(table: Table, key: str, default: bool = False) -> bool:
    """Whether a configuration says yes.

    Raises:
        UserError: the entry is neither true nor false.
    """
    value = table.data.get(key, default)
    if not isinstance(value, bool):
        raise table.wrong(key, "true or false")
    return value


def refuse(where: str, reasons: Collection[str], others: Collection[str] = ()) -> NoReturn:
    """Refuse a separator; the sentence names every reason.

    Args:
        where: of its configuration.
        reasons: why it cannot stream.
        others: what import does not read.
    """
    if not reasons:
        raise UserError(
            f"{where[:LONGEST_TEXT]} cannot be imported, since {'; '.join(others)}: give another checkpoint"
        )
    raise UserError(
        f"{where[:LONGEST_TEXT]} cannot stream, since {'; '.join([*reasons, *others])}: give a causal checkpoint, "
        "or prune this one as FILE.py:FACTORY for use on whole files"
    )


def check_known(table: Table, known: Collection[str], program: str) -> None:
    """Refuse settings that are not known here: the separator might compute something else with them.

    Raises:
        UserError: there are some; the sentence names them.
    """
    unknown = sorted(shown(key) for key in table.data.keys() - set(known))
    if unknown:
        raise UserError(
            f"{table.where} has {', '.join(unknown[:_SHOWN])}, which import does not know as a setting of {program}: "
            "remove it where the separator was trained without it"
        )


@contextmanager
def _harmless_types() -> Iterator[None]:
    """Lets torch read plain numbers and version texts that other programs store with their weights."""
    scalars = [np.float64, np.float32, np.int64]
    plain: list[Any] = [torch.torch_version.TorchVersion, np.dtype, *(type(np.dtype(kind)) for kind in scalars)]
    scalar = np.float64(0).__reduce__()[0]
    plain += [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    with torch.serialization.safe_globals(plain):
        yield
