"""Measures the delay from microphone to loudspeaker, and writes it beside the parts that the app states.

    python -m experiments.mouth_to_ear.mouth_to_ear [SECONDS] [RATE ...]

The demo mixture is played into a virtual microphone: a null sink of a private PulseAudio server (Linux, see
tests/audio). The app plays the mixture, delayed as much as its voices, to a virtual loudspeaker through PortAudio. Both
are recorded outside of the app, and their delay is found by correlation every five seconds. The sum of the app's parts
should be that delay. What remains is the sound that a null sink gives to a recorder before it would be played.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from sepprune.streaming.machine import load, machine
from tests.audio.virtual_audio import VirtualAudio

from ..common import table, write_json
from ..ten_minutes.ten_minutes import between_devices, delays_of

#: seconds between two measurements
EVERY = 5.0

_COUNTERS = (
    "chunks",
    "deadline_misses",
    "ring_underruns",
    "output_underflows",
    "input_overflows",
    "cushion_chunks",
    "stalls",
    "late_chunks",
    "engine_cpu_seconds",
    "backend",
    "precision",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, default=60.0, help="of each run (default: 60)")
    parser.add_argument("rates", nargs="*", type=int, help="of the devices, in Hz (default: 48000 16000)")
    args = parser.parse_args()
    found = {"machine": machine() | {"load": load()}, "seconds": args.seconds, "runs": []}
    for rate in args.rates or [48_000, 16_000]:
        found["runs"].append(measured(rate, args.seconds))
        print("\n".join(_lines(found["runs"][-1])), flush=True)
    write_json(Path(__file__).with_suffix(".json"), found)


def measured(rate: int, seconds: float) -> dict[str, Any]:
    """One run with devices of one rate: measured delays, the app's parts and counters.

    The recording begins once the app runs, and its first seconds are not used: the delay has to settle.
    """
    with tempfile.TemporaryDirectory() as name:
        audio = VirtualAudio(Path(name), rate)
        try:
            report, recorded, played, arrivals = between_devices(audio, seconds)
        finally:
            audio.close()
    delays = delays_of(recorded, played, arrivals, EVERY)[0][1:]
    middle, latency = statistics.median(delays), report["latency"]
    return {
        "device_rate": rate,
        "measured_ms": round(middle, 2),
        "lowest_ms": round(min(delays), 2),
        "highest_ms": round(max(delays), 2),
        "parts": latency["parts"],
        "sum_ms": latency["input_to_output_ms"],
        "not_explained_ms": round(middle - latency["input_to_output_ms"], 2),
        **{name: report[name] for name in _COUNTERS},
    }


def _lines(run: dict[str, Any]) -> list[str]:
    rows = [(part["name"], f"{part['ms']:.1f}", part["about"]) for part in run["parts"]]
    rows.append(("sum", f"{run['sum_ms']:.1f}", ""))
    rows.append(("measured", f"{run['measured_ms']:.1f}", f"{run['lowest_ms']:.1f} to {run['highest_ms']:.1f} ms"))
    return [f"Devices at {run['device_rate']} Hz, {run['ring_underruns']} gaps:", *table(["part", "ms", ""], rows), ""]


if __name__ == "__main__":
    main()
