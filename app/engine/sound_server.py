"""Where a sound server (PulseAudio, or PipeWire in its place) plays and records the streams of a process.

The server can move a stream to another device, for instance when one is unplugged. PortAudio, which opened the stream,
notices nothing of it; ``pactl list`` tells.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

#: the program that tells what the server does
PROGRAM = "pactl"

#: what it prints is searched for words of the C locale
LOCALE = {"LC_ALL": "C"}

#: seconds from a change until the server is asked: changes come in groups
SETTLE_S = 0.2

#: kind of stream in the list, the kind of its device, and the direction in the words of this program
_KINDS = (("Sink Input", "Sink", "output"), ("Source Output", "Source", "input"))


@dataclass(frozen=True)
class Place:
    """The device of a stream.

    Args:
        direction: ``"output"`` or ``"input"``.
        name: of the device at the server; no other one has it.
        description: of the device for people; two of the same kind can share it.
    """

    direction: str
    name: str
    description: str

    def words(self, other: Place) -> str:
        """The device for people, so that it can be told from that of another place."""
        return f"{self.description} ({self.name})" if self.description == other.description else self.description


class Moves:
    """Compares where streams are with where they were first."""

    def __init__(self) -> None:
        self.first: dict[tuple[str, int], Place | None] = {}

    def sentences(self, now: Mapping[tuple[str, int], Place | None]) -> list[str]:
        """A sentence for each stream that is on another device than at first; a stream that is new begins where it is.

        Args:
            now: as :func:`places` returns it. A stream without a device, as between two devices, keeps its first one.
        """
        self.first = {stream: self.first.get(stream) or place for stream, place in now.items()}
        return [
            f"the sound server has moved the {old.direction} from “{old.words(new)}” to “{new.words(old)}”"
            for old, new in ((self.first[stream], place) for stream, place in now.items())
            if old is not None and new is not None and old != new
        ]


def can_be_asked() -> bool:
    """Whether a sound server runs and ``pactl`` is installed; ``pactl`` could otherwise start a server."""
    if shutil.which(PROGRAM) is None:
        return False
    folder = os.environ.get("XDG_RUNTIME_DIR")
    return bool(os.environ.get("PULSE_SERVER")) or (folder is not None and Path(folder, "pulse", "native").exists())


def places(listing: str, process: int) -> Mapping[tuple[str, int], Place | None]:
    """Where the streams of a process are.

    Args:
        listing: what ``pactl list`` prints in the C locale.
        process: its number.

    Returns:
        The place of each stream by direction and number of the stream; None for a stream without a device.
    """
    found: dict[tuple[str, int], Place | None] = {}
    for kind, device_kind, direction in _KINDS:
        devices = {
            number: (_value(block, "Name"), _value(block, "Description"))
            for number, block in _blocks(listing, device_kind)
        }
        for number, block in _blocks(listing, kind):
            device = _value(block, device_kind)
            owner = re.search(r'^\s*application\.process\.id = "(\d+)"$', block, re.MULTILINE)
            if owner and int(owner[1]) == process:
                known = device.isdecimal() and int(device) in devices
                found[direction, number] = Place(direction, *devices[int(device)]) if known else None
    return found


def is_change(said: str) -> bool:
    """Whether something that ``pactl subscribe`` prints is about streams."""
    return "sink-input" in said or "source-output" in said


def _blocks(listing: str, kind: str) -> Iterator[tuple[int, str]]:
    """Number and text of each entry of a kind."""
    for block in re.split(r"\n\n(?=\S)", listing):
        if found := re.match(rf"\s*{kind} #(\d+)\n", block):
            yield int(found[1]), block


def _value(block: str, name: str) -> str:
    found = re.search(rf"^\t{name}: (.*)$", block, re.MULTILINE)
    return found[1].strip() if found else ""
