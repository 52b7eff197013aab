"""What is read from the disk is checked here before it is used: sizes before reading, types and ranges before use."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from .errors import UserError
from .files import is_regular, reason

#: bytes of a JSON file, and characters of a text in it
LARGEST_JSON, LONGEST_TEXT = 64 * 2**20, 200
#: of sound that is read: sample rates in hertz, channels, and seconds of a file that is read whole
RATES, MOST_CHANNELS, LONGEST_S = (1_000, 768_000), 64, 3 * 3600
#: what data of another shape than expected raises when it is taken apart
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_MISSING = object()


def read_limited(path: Path, most: int, advice: str) -> bytes:
    """The content of a file, read only if it is not too large.

    Args:
        path: the file.
        most: bytes that it may have.
        advice: what the user can do if it cannot be used.

    Raises:
        UserError: it is missing, no file, too large, or cannot be read.
    """
    try:
        size = path.stat().st_size
        if not is_regular(path):
            raise UserError(f"{path} is no file: {advice}")
        if size > most:
            raise UserError(f"{path} has {size / 1e6:.0f} MB, expected at most {most / 1e6:.0f} MB: {advice}")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"cannot read {str(path)[:LONGEST_TEXT]} ({reason(error)}): {advice}") from error


def parse_json(
    content: bytes | str, where: Path | str, advice: str = "copy the ladder again", finite: bool = True
) -> dict[str, Any]:
    """A JSON object.

    Args:
        content: UTF-8.
        where: its name in error messages.
        advice: what the user can do if it is damaged.
        finite: refuse ``NaN`` and ``Infinity``, which JSON does not have but Python writes.

    Raises:
        UserError: it is no JSON object.
    """
    try:
        data = json.loads(content, parse_constant=_refused if finite else None)
    except RecursionError as error:
        raise UserError(f"{where} is not valid JSON (it is nested too deeply): {advice}") from error
    except ValueError as error:
        raise UserError(f"{where} is not valid JSON ({error}): {advice}") from error
    if not isinstance(data, dict):
        raise UserError(f"{where} holds a JSON {type(data).__name__}, expected an object: {advice}")
    return data


@dataclass(frozen=True)
class Table:
    """An object from a JSON or TOML file, whose entries are checked when they are taken.

    Every method raises a :class:`~sepprune.errors.UserError` that names the file, the entry, its value and what was
    expected.

    Args:
        data: the object.
        where: what error messages call it.
        advice: what the user can do if an entry is wrong.

    >>> Table({"hop": 0}, "ladder.json", "copy it again").integer("hop", 1, 4096)
    Traceback (most recent call last):
    sepprune.errors.UserError: ladder.json has 'hop' 0, expected a whole number from 1 to 4096: copy it again
    """

    data: Mapping[str, Any]
    where: str
    advice: str

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self._value(key)
        if type(value) is not int or not low <= value <= high:
            raise self.wrong(key, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number from ``low`` to ``high``."""
        value = self._value(key)
        if type(value) not in (int, float) or not is_finite(value) or not low <= value <= high:
            limits = "" if math.isinf(high) else f" from {low:g} to {high:g}"
            raise self.wrong(key, f"a number{limits}")
        return float(value)

    def text(self, key: str, longest: int = LONGEST_TEXT) -> str:
        """Text of at most ``longest`` characters in one line; those that cannot be printed or encoded are refused."""
        value = self._value(key)
        if not _is_line(value, longest):
            raise self.wrong(key, f"a line of text of at most {longest} characters")
        return str(value)

    def file_name(self, key: str) -> str:
        """The name of a file in the same folder, never a path to another one."""
        value = self.text(key, 255)
        if not is_inside(value) or len(PurePosixPath(value).parts) != 1:
            raise self.wrong(key, "the name of a file in the same folder")
        return value

    def texts(self, key: str, most: int, longest: int = LONGEST_TEXT) -> list[str]:
        """A list of at most ``most`` texts as :meth:`text` takes them."""
        value = self._value(key)
        if not isinstance(value, list) or len(value) > most or not all(_is_line(item, longest) for item in value):
            raise self.wrong(key, f"a list of at most {most} lines of text of at most {longest} characters")
        return value

    def flag(self, key: str) -> bool:
        """True or false."""
        value = self._value(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value

    def table(self, key: str) -> Table:
        """An inner object."""
        value = self._value(key)
        if not isinstance(value, Mapping):
            raise self.wrong(key, "an object")
        return Table(value, f"{key!r} of {self.where}", self.advice)

    def tables(self, key: str, most: int) -> list[Table]:
        """A list of at most ``most`` objects."""
        value = self._value(key)
        if not isinstance(value, list) or len(value) > most or not all(isinstance(item, Mapping) for item in value):
            raise self.wrong(key, f"a list of at most {most} objects")
        return [
            Table(item, f"entry {number} of {key!r} of {self.where}", self.advice) for number, item in enumerate(value)
        ]

    def integers(self, key: str, low: int, high: int, most: int) -> tuple[int, ...]:
        """A list of at most ``most`` whole numbers from ``low`` to ``high``."""
        value = self._value(key)
        if (
            not isinstance(value, Sequence)
            or len(value) > most
            or not all(type(item) is int and low <= item <= high for item in value)
        ):
            raise self.wrong(key, f"a list of at most {most} whole numbers from {low} to {high}")
        return tuple(value)

    def has(self, key: str) -> bool:
        """Whether there is an entry that is not ``null``."""
        return self.data.get(key) is not None

    def wrong(self, key: str, expected: str) -> UserError:
        """The error for an entry that is not what was expected."""
        return UserError(f"{self.where} has {key!r} {shown(self.data.get(key))}, expected {expected}: {self.advice}")

    def _value(self, key: str) -> Any:
        value = self.data.get(key, _MISSING)
        if value is _MISSING:
            raise UserError(f"{self.where} is incomplete: {key!r} is missing; {self.advice}")
        return value


def _is_line(value: object, longest: int) -> bool:
    """Whether a value is text in one line that can be printed, of at most ``longest`` characters."""
    return isinstance(value, str) and len(value) <= longest and value.isprintable()


def check_sound(name: str, rate: int, channels: int, frames: int = 0) -> None:
    """Check what the header of a sound file says, before its samples are read.

    Args:
        name: of the file.
        rate: in hertz.
        channels: number of channels.
        frames: samples of a channel; 0 where the file is not read whole.

    Raises:
        UserError: no microphone gives such sound, or it would not fit into memory.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise UserError(
            f"{name} has a sample rate of {rate} Hz, expected {RATES[0]} to {RATES[1]} Hz: convert it, for example to "
            "16000 Hz"
        )
    if channels > MOST_CHANNELS:
        raise UserError(f"{name} has {channels} channels, expected at most {MOST_CHANNELS}: choose some of them")
    if frames > LONGEST_S * rate:
        raise UserError(
            f"{name} lasts {frames / rate / 3600:.1f} hours, expected at most {LONGEST_S // 3600}: cut it into parts"
        )


def is_inside(path: str) -> bool:
    """Whether a relative path with forward slashes stays inside its folder, whatever the system.

    >>> [is_inside(path) for path in ("speech/a.flac", "../a", "speech/../../a", "/a", "C:/a", "a\\\\b", "")]
    [True, False, False, False, False, False, False]
    """
    parts = path.split("/")
    return "\\" not in path and ":" not in path and path.isprintable() and not {"", ".", ".."} & set(parts)


def is_finite(value: Any) -> bool:
    """Whether a number is finite as a floating-point number, which an integer with 400 digits is not."""
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False


def shown(value: object) -> str:
    """A value as part of a sentence: one short line. Of an exception it is what the exception says.

    >>> shown("a" * 100)
    "'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa..."
    >>> shown(KeyError("level"))
    "no entry 'level'"
    """
    try:
        if isinstance(value, KeyError):
            text = f"no entry {value}"
        elif isinstance(value, Exception):
            text = " ".join((str(value) or type(value).__name__).split())
        else:
            text = repr(value).replace("\n", " ")
    except (ValueError, RecursionError):  # an integer with too many digits, or a list in a list in a list ...
        return "..."
    return text if len(text) <= 65 else f"{text[:62]}..."


def _refused(name: str) -> float:
    raise ValueError(f"{name} is no number")
