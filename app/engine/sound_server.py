"""Where a sound server (PulseAudio, or PipeWire in its place) plays and records the streams of a process.

The server can move a stream to another device, for instance when one is unplugged. PortAudio, which opened the stream,
notices nothing of it; ``pactl list`` tells. A process has one stream for output and one for input. After a loss of
sound, ALSA's plug-in or the engine ends a stream and starts another, which may be on another device, too.
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
        name: of the device at the server; no other one has it.
        description: of the device for people; two of the same kind can share it.
    """

    name: str
    description: str

    def words(self, other: Place) -> str:
        """The device for people, so that it can be told from that of another place."""
        return f"{self.description} ({self.name})" if self.description == other.description else self.description


class Moves:
    """Compares where the output and the input are with where they were first.

    Attributes:
        first: the first device by direction. Without an entry, the next device of that direction is its first.
    """

    def __init__(self) -> None:
        self.first: dict[str, Place] = {}

    def sentences(self, now: Mapping[str, Place]) -> list[str]:
        """A sentence for each direction that is on another device than at first.

        Args:
            now: as :func:`places` returns it.
        """
        self.first = {**now, **self.first}
        return [
            f"the sound server has moved the {direction} from “{old.words(new)}” to “{new.words(old)}”"
            for direction, old, new in ((direction, self.first[direction], new) for direction, new in now.items())
            if old != new
        ]


def can_be_asked() -> bool:
    """Whether a sound server runs and ``pactl`` is installed; ``pactl`` could otherwise start a server."""
    if shutil.which(PROGRAM) is None:
        return False
    folder = os.environ.get("XDG_RUNTIME_DIR")
    return bool(os.environ.get("PULSE_SERVER")) or (folder is not None and Path(folder, "pulse", "native").exists())


def places(listing: str, process: int) -> Mapping[str, Place]:
    """Where the output and the input of a process are.

    Args:
        listing: what ``pactl list`` prints in the C locale.
        process: its number.

    Returns:
        The place by direction: that of the newest stream. A direction without a stream, or with one that is between
        two devices, is left out.
    """
    found: dict[str, Place] = {}
    for kind, device_kind, direction in _KINDS:
        devices = {
            number: (_value(block, "Name"), _value(block, "Description"))
            for number, block in _blocks(listing, device_kind)
        }
        for _, block in sorted(_blocks(listing, kind)):
            device = _value(block, device_kind)
            owner = re.search(r'^\s*application\.process\.id = "(\d+)"$', block, re.MULTILINE)
            if owner and int(owner[1]) == process and device.isdecimal() and int(device) in devices:
                found[direction] = Place(*devices[int(device)])
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
