"""Mains or battery: from /sys on Linux, from the system's own call or command on Windows and macOS."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from . import sysfs
from .sysfs import Missing

MAINS, BATTERY = "mains", "battery"


def source(root: Path) -> str:
    """``mains`` or ``battery``.

    Raises:
        Missing: the system does not say.
    """
    if sys.platform != "linux":
        return _elsewhere()[0]
    if any(_is_on(file) for file in sysfs.glob(root, "sys/class/power_supply/*/online")):
        return MAINS
    states = [sysfs.text(folder / "status") for folder in _batteries(root)]
    if "Discharging" in states:
        return BATTERY
    if states and all(state in ("Charging", "Full", "Not charging") for state in states):
        return MAINS
    raise Missing("the battery does not say" if states else "the system shows no battery and no mains adapter")


def battery_percent(root: Path) -> int:
    """Charge of the battery, the lowest of several.

    Raises:
        Missing: there is none, or it does not say.
    """
    if sys.platform != "linux":
        percent = _elsewhere()[1]
        if percent is None:
            raise Missing("no battery")
        return percent
    folders = _batteries(root)
    if not folders:
        raise Missing("no battery")
    return round(min(sysfs.number(folder / "capacity", "the battery does not say") for folder in folders))


def battery_drain(root: Path) -> float:
    """Power that leaves the batteries now, in watts.

    Raises:
        Missing: there is no battery, it is not discharging, or it does not say.
    """
    folders = _batteries(root)
    if not folders:
        raise Missing(sysfs.elsewhere("no battery"))
    draining = [folder for folder in folders if sysfs.text(folder / "status") == "Discharging"]
    if not draining:
        raise Missing("the battery is not discharging")
    return round(sysfs.above_zero(sum(map(_watts, draining))), 2)


def _watts(folder: Path) -> float:
    absent = "the battery does not say"
    if (folder / "power_now").exists():
        return abs(sysfs.number(folder / "power_now")) / 1e6
    return abs(sysfs.number(folder / "current_now", absent)) * sysfs.number(folder / "voltage_now", absent) / 1e12


def _batteries(root: Path) -> list[Path]:
    """Batteries of the machine, not those of a mouse or a headset (their scope is ``Device``)."""
    return [
        file.parent
        for file in sysfs.glob(root, "sys/class/power_supply/*/type")
        if _reads(file, "Battery") and not _reads(file.parent / "scope", "Device")
    ]


def _is_on(online: Path) -> bool:
    return _reads(online, "1") and not _reads(online.parent / "scope", "Device")


def _reads(file: Path, wanted: str) -> bool:
    try:
        return sysfs.text(file) == wanted
    except Missing:
        return False


def _elsewhere() -> tuple[str, int | None]:
    """Source and charge on Windows and macOS."""
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "darwin":
        ended = subprocess.run(["pmset", "-g", "batt"], capture_output=True, text=True, check=False)
        return from_pmset(ended.stdout)
    raise Missing("this program does not know how to read it on this system")


def _windows() -> tuple[str, int | None]:
    import ctypes

    status = (ctypes.c_ubyte * 12)()  # SYSTEM_POWER_STATUS: ACLineStatus, BatteryFlag, BatteryLifePercent, ...
    library = getattr(ctypes, "windll").kernel32  # noqa: B009  # the attribute exists on Windows only
    if not library.GetSystemPowerStatus(ctypes.byref(status)) or status[0] > 1:
        raise Missing("Windows does not say")
    return (MAINS if status[0] == 1 else BATTERY), (int(status[2]) if status[2] <= 100 else None)


def from_pmset(printed: str) -> tuple[str, int | None]:
    """Source and charge from the output of ``pmset -g batt`` of macOS.

    Raises:
        Missing: the output names neither source.

    >>> from_pmset("Now drawing from 'Battery Power'\\n -InternalBattery-0 (id=1)\\t87%; discharging; 4:10 remaining")
    ('battery', 87)
    """
    if "'Battery Power'" in printed:
        name = BATTERY
    elif "'AC Power'" in printed:
        name = MAINS
    else:
        raise Missing("macOS does not say")
    before = printed.partition("%")[0]
    digits = before[len(before.rstrip("0123456789")) :] if "%" in printed else ""
    return name, int(digits) if digits else None
