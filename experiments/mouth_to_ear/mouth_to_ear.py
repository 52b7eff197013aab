"""Measures the delay from microphone to loudspeaker, and writes it beside the parts that the app states.

    python -m experiments.mouth_to_ear.mouth_to_ear [SECONDS] [--rates 48000 16000] [--latencies-ms 30 16]

The demo mixture is played into a virtual microphone: a null sink of a private PulseAudio server (Linux, see
tests/audio). The app plays the mixture, delayed as much as its voices, to a virtual loudspeaker through PortAudio. Both
are recorded outside of the app, and their delay is found by correlation every two seconds. The sum of the app's parts
should be that delay, less the time by which a null sink gives sound to a recorder before it would be played.

One run for each rate of the devices, and for each latency that drivers are asked for.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.engine.device_settings import LATENCY_VARIABLE
from sepprune.streaming.machine import load, machine
from tests.audio.virtual_audio import VirtualAudio

from ..common import run_script, table, write_json
from ..ten_minutes.ten_minutes import between_devices, delays_of

#: seconds between two measurements
EVERY = 2.0

#: measurements that are compared with the parts
LATEST = 4

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
    parser.add_argument("--rates", nargs="*", type=int, default=[48_000, 16_000], help="of the devices, in Hz")
    parser.add_argument("--latencies-ms", nargs="*", type=int, default=[30, 16], help="that drivers are asked for")
    args = parser.parse_args()
    found: dict[str, Any] = {"machine": machine() | {"load": load()}, "seconds": args.seconds, "runs": []}
    for rate in args.rates:
        for latency_ms in args.latencies_ms:
            found["runs"].append(measured(rate, latency_ms, args.seconds))
            print("\n".join(_lines(found["runs"][-1])), flush=True)
    write_json(Path(__file__).with_suffix(".json"), found)


def measured(
    rate: int, latency_ms: int | None, seconds: float, server: type[VirtualAudio] = VirtualAudio
) -> dict[str, Any]:
    """One run with devices of one rate and latency (``None``: what the app asks for): delays, parts and counters.

    The recording begins once the app runs, and its first seconds are not used: the delay has to settle.
    """
    with tempfile.TemporaryDirectory() as name:
        audio = server(Path(name), rate)
        try:
            with _ahead_of_playing(audio) as ahead:
                variables = {} if latency_ms is None else {LATENCY_VARIABLE: str(latency_ms)}
                report, recorded, played, arrivals = between_devices(audio, seconds, **variables)
        finally:
            audio.close()
    delays = delays_of(recorded, played, arrivals, EVERY)[0][1:]
    middle, latency = statistics.median(delays), report["latency"]
    at_end = statistics.median(delays[-LATEST:])  # the app's parts are those of its last ten seconds
    early = statistics.median(ahead)
    return {
        "device_rate": rate,
        "asked_latency_ms": latency_ms,
        "measured_ms": round(middle, 2),
        "lowest_ms": round(min(delays), 2),
        "highest_ms": round(max(delays), 2),
        "at_the_end_ms": round(at_end, 2),
        "recorded_before_played_ms": round(early, 2),
        "parts": latency["parts"],
        "sum_ms": latency["input_to_output_ms"],
        "not_explained_ms": round(at_end + early - latency["input_to_output_ms"], 2),
        **{name: report[name] for name in _COUNTERS},
    }


@contextmanager
def _ahead_of_playing(audio: VirtualAudio) -> Iterator[list[float]]:
    """Collect, once a second, how long before its time a recorder gets the loudspeaker's sound."""
    found: list[float] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(1.0):
            found.append(audio.ahead_ms("speaker"))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def _lines(run: dict[str, Any]) -> list[str]:
    rows = [(part["name"], f"{part['ms']:.1f}", part["about"]) for part in run["parts"]]
    rows.append(("sum", f"{run['sum_ms']:.1f}", ""))
    early = f"−{run['recorded_before_played_ms']:.1f}"
    rows.append(("recorded before it is played", early, "median, from PulseAudio; only null sinks do this"))
    rows.append(("measured at the end", f"{run['at_the_end_ms']:.1f}", ""))
    span = f"median; {run['lowest_ms']:.1f} to {run['highest_ms']:.1f} ms"
    rows.append(("measured in the whole run", f"{run['measured_ms']:.1f}", span))
    gaps = run["ring_underruns"] + run["output_underflows"]
    head = f"Devices at {run['device_rate']} Hz, asked for {run['asked_latency_ms']} ms, {gaps} gaps:"
    return [head, *table(["part", "ms", ""], rows), ""]


if __name__ == "__main__":
    run_script(main)
