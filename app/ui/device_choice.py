"""Which devices, files and other entries the lists of inputs and outputs offer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..engine.protocol import DEMO, NONE, DeviceInfo
from .choice import REMARK

#: stands for "Open file…" in the list of inputs; no device and no file can have this name
OPEN_FILE = "\0open"


def input_entries(source: str, devices: Sequence[DeviceInfo]) -> list[tuple[str, str]]:
    """Value and label of each input that can be chosen.

    Args:
        source: the input in use, as in :class:`~app.engine.protocol.Settings`.
        devices: all devices.
    """
    entries = [(DEMO, "Demo mixture")]
    if source != DEMO and source not in [device.identity for device in devices]:
        entries.append((source, Path(source).name))
    entries += [(device.identity, _label(device)) for device in devices if device.direction == "input"]
    return [*entries, (OPEN_FILE, "Open file…")]


def output_entries(sink: str, devices: Sequence[DeviceInfo]) -> list[tuple[str, str]]:
    """Value and label of each output that can be chosen; ``sink`` is the one in use."""
    entries = [(NONE, "No output")]
    entries += [(device.identity, _label(device)) for device in devices if device.direction == "output"]
    return entries if sink in [value for value, _ in entries] else [*entries, (sink, sink)]


def _label(device: DeviceInfo) -> str:
    monitor = f"{REMARK}what the computer plays" if device.is_monitor else ""
    return f"{device.name}{REMARK}{device.host_api}{monitor}"
