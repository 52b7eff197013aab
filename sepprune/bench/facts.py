"""What chunk times depend on: facts about the machine, each a value or the reason why there is none.

Facts are only read; nothing about the machine is changed.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TypedDict

from . import power, sysfs
from .sysfs import Missing

Value = int | float | str | bool

_LIBRARIES = ("numpy", "openvino", "onnxruntime", "torch")


class Fact(TypedDict):
    """One fact.

    Keys:
        value: ``None`` where it is not known; never 0 for that.
        unit: of a number, empty for words.
        why_missing: reason of a missing value, otherwise ``None``.
    """

    value: Value | None
    unit: str
    why_missing: str | None


def machine_facts(root: Path = Path("/")) -> dict[str, Fact]:
    """Facts by name.

    Args:
        root: folder in which ``proc`` and ``sys`` of Linux are read, for tests.
    """
    readers: dict[str, tuple[str, Callable[[Path], Value]]] = {
        "processor": ("", _processor),
        "cores": ("", _cores),
        "performance_cores": ("", lambda root: _kind_of_core(root, "cpu_core")),
        "efficiency_cores": ("", lambda root: _kind_of_core(root, "cpu_atom")),
        "virtual_machine": ("", _virtual),
        "memory": ("GiB", lambda root: _memory(root, "MemTotal")),
        "memory_available": ("GiB", lambda root: _memory(root, "MemAvailable")),
        "power_source": ("", power.source),
        "battery": ("%", power.battery_percent),
        "battery_drain": ("W", power.battery_drain),
        "power_mode": ("", _power_mode),
        "governor": ("", lambda root: _of_cores(root, "scaling_governor")),
        "energy_preference": ("", lambda root: _of_cores(root, "energy_performance_preference")),
        "frequency_driver": ("", lambda root: _of_cores(root, "scaling_driver")),
        "turbo": ("", _turbo),
        "frequency": ("MHz", _frequency),
        "frequency_limit": ("MHz", _frequency_limit),
        "temperature": ("°C", _temperature),
        "throttle_events": ("", _throttle_events),
        "package_energy": ("J", _package_energy),
        "load": ("", _load),
        "system": ("", lambda root: platform.platform()),
        "python": ("", lambda root: platform.python_version()),
        "sepprune": ("", _version_of("sepprune-live")),
        **{name: ("", _version_of(name)) for name in _LIBRARIES},
    }
    facts: dict[str, Fact] = {}
    for name, (unit, read) in readers.items():
        try:
            facts[name] = {"value": read(root), "unit": unit, "why_missing": None}
        except Missing as error:
            facts[name] = {"value": None, "unit": unit, "why_missing": str(error)}
        except (ValueError, IndexError):
            facts[name] = {"value": None, "unit": unit, "why_missing": "the system gives it in an unknown form"}
    return facts


def fact_text(fact: Fact) -> str:
    """The value with its unit, or why there is none."""
    value = fact["value"]
    if value is None:
        return f"not known: {fact['why_missing']}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value} {fact['unit']}".strip()


def _processor(root: Path) -> str:
    for line in sysfs.lines(root / "proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    name = platform.processor() or platform.machine()
    if not name:
        raise Missing("the system does not name it")
    return name


def _cores(root: Path) -> int:
    listed = sum(line.startswith("processor") for line in sysfs.lines(root / "proc/cpuinfo"))
    count = listed or os.cpu_count()
    if not count:
        raise Missing("the system does not count them")
    return count


def _kind_of_core(root: Path, kind: str) -> int:
    """Cores of one kind: Intel's hybrid processors list them as ``cpu_core`` and ``cpu_atom``."""
    if not (root / "sys/devices/cpu_core").is_dir():
        raise Missing("the system does not tell kinds of cores apart")
    text = sysfs.text(root / f"sys/devices/{kind}/cpus", "the processor has no such cores")
    ends = [span.split("-") for span in text.split(",") if span]
    return sum(int(span[-1]) - int(span[0]) + 1 for span in ends)


def _virtual(root: Path) -> bool:
    for line in sysfs.lines(root / "proc/cpuinfo"):
        if line.startswith("flags"):
            return "hypervisor" in line.split()
    raise Missing("the system does not say whether it runs in a virtual machine")


def _memory(root: Path, key: str) -> float:
    for line in sysfs.lines(root / "proc/meminfo"):
        if line.startswith(f"{key}:"):
            return round(int(line.split()[1]) / 2**20, 2)
    if key == "MemTotal" and sys.platform == "darwin":
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 2)
    raise Missing(sysfs.elsewhere("the system does not list it"))


def _power_mode(root: Path) -> str:
    return sysfs.text(root / "sys/firmware/acpi/platform_profile", "the firmware offers no power modes")


def _of_cores(root: Path, name: str) -> str:
    """A setting of the frequency driver; several where cores differ."""
    found = {sysfs.text(file) for file in sysfs.glob(root, f"sys/devices/system/cpu/cpu[0-9]*/cpufreq/{name}")}
    if not found:
        raise Missing(sysfs.elsewhere("the system does not show how it sets frequencies"))
    return ", ".join(sorted(found))


def _turbo(root: Path) -> bool:
    folder = root / "sys/devices/system/cpu"
    if (folder / "intel_pstate/no_turbo").exists():
        return sysfs.number(folder / "intel_pstate/no_turbo") == 0
    if (folder / "cpufreq/boost").exists():
        return sysfs.number(folder / "cpufreq/boost") == 1
    raise Missing(sysfs.elsewhere("the system does not show whether turbo is on"))


def _frequency(root: Path) -> int:
    """Highest current frequency of any core: the core that works now."""
    scaled = [
        sysfs.number(file) / 1000
        for file in sysfs.glob(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")
    ]
    listed = [float(line.split(":")[1]) for line in sysfs.lines(root / "proc/cpuinfo") if line.startswith("cpu MHz")]
    if not scaled and not listed:
        raise Missing(sysfs.elsewhere("the system does not show frequencies"))
    return round(sysfs.above_zero(max(scaled or listed)))


def _frequency_limit(root: Path) -> int:
    found = [
        sysfs.number(file) / 1000
        for file in sysfs.glob(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_max_freq")
    ]
    if not found:
        raise Missing(sysfs.elsewhere("the system does not show frequency limits"))
    return round(sysfs.above_zero(max(found)))


def _temperature(root: Path) -> float:
    """Highest temperature that a sensor of the processor reports."""
    found = [
        sysfs.number(sensor) / 1000
        for name in sysfs.glob(root, "sys/class/hwmon/hwmon*/name")
        if sysfs.text(name) in ("coretemp", "k10temp", "zenpower", "cpu_thermal")
        for sensor in sysfs.glob(name.parent, "temp*_input")
    ] or [
        sysfs.number(zone.parent / "temp") / 1000
        for zone in sysfs.glob(root, "sys/class/thermal/thermal_zone*/type")
        if sysfs.text(zone) in ("x86_pkg_temp", "cpu-thermal", "cpu_thermal")
    ]
    if not found:
        raise Missing(sysfs.elsewhere("no sensor of the processor can be read"))
    return max(found)


def _throttle_events(root: Path) -> int:
    """How often a core was slowed down by heat since the machine started."""
    found = sysfs.glob(root, "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count")
    if not found:
        raise Missing(sysfs.elsewhere("the processor does not count them"))
    return round(sum(map(sysfs.number, found)))


def _package_energy(root: Path) -> float:
    """Energy counter of the processor (RAPL), which starts again at 0 after some hours."""
    found = sysfs.glob(root, "sys/class/powercap/intel-rapl:[0-9]*/energy_uj")
    packages = [file for file in found if file.parent.name.count(":") == 1]
    if not packages:
        raise Missing(sysfs.elsewhere("the processor does not report it"))
    return round(sum(map(sysfs.number, packages)) / 1e6, 1)


def _load(root: Path) -> float:
    text = " ".join(sysfs.lines(root / "proc/loadavg"))
    if text:
        return float(text.split()[0])
    if root == Path("/") and hasattr(os, "getloadavg"):
        return os.getloadavg()[0]
    raise Missing("the system does not count processes that wait")


def _version_of(package: str) -> Callable[[Path], str]:
    def read(root: Path) -> str:
        try:
            return version(package)
        except PackageNotFoundError:
            raise Missing("not installed") from None

    return read
