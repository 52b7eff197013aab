"""Facts of fake machines: what the files say, and a reason for everything that they do not say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sepprune.bench.facts import Fact, machine_facts

CPU = "sys/devices/system/cpu"
HYBRID = {
    "proc/cpuinfo": "processor\t: 0\nmodel name\t: Core Ultra 7\nflags\t: fpu sse\nprocessor\t: 1\nprocessor\t: 2\n",
    "proc/meminfo": "MemTotal:       16777216 kB\nMemAvailable:    8388608 kB\n",
    "proc/loadavg": "0.25 0.10 0.05 1/200 999\n",
    "sys/devices/cpu_core/cpus": "0-3,8\n",
    "sys/devices/cpu_atom/cpus": "4-7\n",
    "sys/class/power_supply/AC/online": "0\n",
    "sys/class/power_supply/AC/type": "Mains\n",
    "sys/class/power_supply/BAT0/type": "Battery\n",
    "sys/class/power_supply/BAT0/status": "Discharging\n",
    "sys/class/power_supply/BAT0/capacity": "83\n",
    "sys/class/power_supply/BAT0/power_now": "9500000\n",
    "sys/firmware/acpi/platform_profile": "low-power\n",
    f"{CPU}/cpu0/cpufreq/scaling_governor": "powersave\n",
    f"{CPU}/cpu1/cpufreq/scaling_governor": "performance\n",
    f"{CPU}/cpu0/cpufreq/scaling_driver": "intel_pstate\n",
    f"{CPU}/cpu0/cpufreq/energy_performance_preference": "balance_power\n",
    f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "800000\n",
    f"{CPU}/cpu1/cpufreq/scaling_cur_freq": "3400000\n",
    f"{CPU}/cpu0/cpufreq/scaling_max_freq": "4800000\n",
    f"{CPU}/intel_pstate/no_turbo": "1\n",
    f"{CPU}/cpu0/thermal_throttle/core_throttle_count": "3\n",
    f"{CPU}/cpu1/thermal_throttle/core_throttle_count": "4\n",
    "sys/class/hwmon/hwmon2/name": "coretemp\n",
    "sys/class/hwmon/hwmon2/temp1_input": "61000\n",
    "sys/class/hwmon/hwmon2/temp2_input": "64000\n",
    "sys/class/powercap/intel-rapl:0/energy_uj": "5000000\n",
    "sys/class/powercap/intel-rapl:0:0/energy_uj": "3000000\n",
}


def facts_of(root: Path, files: dict[str, str]) -> dict[str, Fact]:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return machine_facts(root)


def test_a_hybrid_laptop_on_battery_is_read_completely(tmp_path: Path) -> None:
    facts = facts_of(tmp_path, HYBRID)
    assert {name: fact["value"] for name, fact in facts.items() if name not in ("system", "python", "sepprune")} | {
        name: None for name in ("numpy", "openvino", "onnxruntime", "torch")
    } == {
        "processor": "Core Ultra 7",
        "cores": 3,
        "performance_cores": 5,
        "efficiency_cores": 4,
        "virtual_machine": False,
        "memory": 16.0,
        "memory_available": 8.0,
        "power_source": "battery",
        "battery": 83,
        "battery_drain": 9.5,
        "power_mode": "low-power",
        "governor": "performance, powersave",
        "energy_preference": "balance_power",
        "frequency_driver": "intel_pstate",
        "turbo": False,
        "frequency": 3400,
        "frequency_limit": 4800,
        "temperature": 64.0,
        "throttle_events": 7,
        "package_energy": 5.0,
        "load": 0.25,
        "numpy": None,
        "openvino": None,
        "onnxruntime": None,
        "torch": None,
    }


def test_every_fact_has_either_a_value_or_a_reason(tmp_path: Path) -> None:
    for facts in (machine_facts(tmp_path), facts_of(tmp_path / "hybrid", HYBRID), machine_facts()):
        for name, fact in facts.items():
            assert (fact["value"] is None) == bool(fact["why_missing"]), name


def test_nothing_is_zero_on_a_machine_that_says_nothing(tmp_path: Path) -> None:
    facts = machine_facts(tmp_path)
    assert not [name for name, fact in facts.items() if fact["value"] is not None and fact["value"] == 0]
    assert [facts[name]["why_missing"] for name in ("battery", "temperature", "governor")] == [
        "no battery",
        "no sensor of the processor can be read",
        "the system does not show how it sets frequencies",
    ]


def test_mains_is_seen_at_the_adapter_and_at_a_battery_that_is_not_discharging(tmp_path: Path) -> None:
    adapter = facts_of(tmp_path / "a", HYBRID | {"sys/class/power_supply/AC/online": "1"})
    charging = facts_of(
        tmp_path / "b",
        {"sys/class/power_supply/BAT1/type": "Battery", "sys/class/power_supply/BAT1/status": "Charging"},
    )
    assert adapter["power_source"]["value"] == charging["power_source"]["value"] == "mains"
    assert charging["battery_drain"]["why_missing"] == "the battery is not discharging"
    assert charging["battery"]["why_missing"] == "the battery does not say"


def test_the_battery_of_a_mouse_is_not_that_of_the_machine(tmp_path: Path) -> None:
    mouse = "sys/class/power_supply/hidpp_battery_0"
    facts = facts_of(
        tmp_path,
        {f"{mouse}/type": "Battery", f"{mouse}/scope": "Device", f"{mouse}/online": "1", f"{mouse}/capacity": "5"},
    )
    assert facts["battery"]["why_missing"] == "no battery" and facts["power_source"]["value"] is None


def test_drain_is_current_times_voltage_where_there_is_no_power(tmp_path: Path) -> None:
    files = {name: text for name, text in HYBRID.items() if not name.endswith("power_now")}
    battery = "sys/class/power_supply/BAT0"
    facts = facts_of(tmp_path, files | {f"{battery}/current_now": "-1000000", f"{battery}/voltage_now": "12000000"})
    assert facts["battery_drain"]["value"] == 12.0


@pytest.mark.parametrize(
    ("name", "file", "content", "reason"),
    [
        ("battery_drain", "sys/class/power_supply/BAT0/power_now", "0", "the system gives 0, which is not possible"),
        ("frequency", f"{CPU}/cpu1/cpufreq/scaling_cur_freq", "often", "the system gives 'often', which is no number"),
        ("memory", "proc/meminfo", "MemTotal: much kB", "the system gives it in an unknown form"),
        ("power_mode", "sys/firmware/acpi/platform_profile", "", "the system leaves it empty"),
        ("load", "proc/loadavg", "", "the system does not count processes that wait"),
    ],
)
def test_nonsense_of_a_driver_is_a_reason_and_no_value(
    tmp_path: Path, name: str, file: str, content: str, reason: str
) -> None:
    assert facts_of(tmp_path, HYBRID | {file: content})[name] == {
        "value": None,
        "unit": {"battery_drain": "W", "frequency": "MHz", "memory": "GiB"}.get(name, ""),
        "why_missing": reason,
    }


def test_what_only_root_may_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_text = Path.read_text

    def refused(path: Path, *args: object, **kwargs: object) -> str:
        if path.name == "energy_uj":  # as Linux does for users; tests may run as root, who may read everything
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return read_text(path, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", refused)
    assert facts_of(tmp_path, HYBRID)["package_energy"]["why_missing"] == "needs root"


def test_turbo_of_amd_is_read_too(tmp_path: Path) -> None:
    assert facts_of(tmp_path, {f"{CPU}/cpufreq/boost": "1"})["turbo"]["value"] is True


def test_a_thermal_zone_stands_in_for_a_missing_sensor(tmp_path: Path) -> None:
    zone = "sys/class/thermal/thermal_zone3"
    assert facts_of(tmp_path, {f"{zone}/type": "x86_pkg_temp", f"{zone}/temp": "45500"})["temperature"]["value"] == 45.5
