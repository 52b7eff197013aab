"""How devices are opened: latency, blocks and sample rates, and the environment variables that change them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from sepprune.errors import UserError

#: buffering that a driver is asked for at first, in seconds, and at most: a device that loses sound is asked for more.
#: With PortAudio's "low", PulseAudio made no callback at all.
LATENCY_S, LONGEST_LATENCY_S = 0.016, 0.06

#: longest block of sound that a device is asked for at once, in seconds; chunks can be longer. Longer blocks do not fit
#: into the input ring, and look like a device that has stopped.
BLOCK_S = 0.032

#: blocks in the buffer of an output, and the shortest block in seconds. PulseAudio asks for a quarter of its buffer at
#: a time: blocks of another length would be asked for in bursts, and sound would wait for the longest pause.
OUTPUT_BLOCKS, SHORTEST_BLOCK_S = 4, 0.002

#: factor of the buffering after a loss
LATENCY_STEP = 1.5

#: rates that are tried after the separator's own, in hertz; the device's default comes last
RATES = (48_000, 44_100)

#: environment variable for another :data:`LATENCY_S`, in milliseconds, and its bounds
LATENCY_VARIABLE, LATENCIES_MS = "SEPPRUNE_DEVICE_LATENCY_MS", (5, 500)

#: environment variable that makes every device open at this rate. Some drivers claim rates that they handle badly;
#: those of Bluetooth headsets do.
RATE_VARIABLE = "SEPPRUNE_DEVICE_RATE"


def latency_s() -> float:
    """Buffering that drivers are asked for at first, in seconds.

    Raises:
        UserError: the environment variable is no number of milliseconds that is possible.
    """
    given = os.environ.get(LATENCY_VARIABLE, "")
    if not given:
        return LATENCY_S
    least, most = LATENCIES_MS
    if not given.isdecimal() or not least <= int(given) <= most:
        raise UserError(
            f"the environment variable {LATENCY_VARIABLE} is {given!r}: expected whole milliseconds, {least} to {most}"
        )
    return int(given) / 1000


def block_s(direction: str, chunk_s: float, latency: float) -> float:
    """Seconds of sound that a device is asked for at once.

    Args:
        direction: ``"input"`` or ``"output"``.
        chunk_s: duration of a chunk of the separator in seconds.
        latency: buffering that the driver is asked for, in seconds.
    """
    most = min(chunk_s, BLOCK_S)
    return most if direction == "input" else min(most, max(SHORTEST_BLOCK_S, latency / OUTPUT_BLOCKS))


def rates_to_try(sample_rate: int, default: int) -> Sequence[int]:
    """Rates at which a device is opened, in this order until one works.

    Args:
        sample_rate: of the separator, in hertz.
        default: rate of the device, in hertz.

    Raises:
        UserError: the environment variable is no rate.
    """
    forced = os.environ.get(RATE_VARIABLE, "")
    if not forced:
        return (sample_rate, *RATES, default)
    if not forced.isdecimal() or not int(forced):
        raise UserError(
            f"the environment variable {RATE_VARIABLE} is {forced!r}: expected a rate in hertz, such as 48000"
        )
    return (int(forced),)


def privacy_settings() -> str:
    """Where the user allows programs to use the microphone."""
    return {
        "darwin": "System Settings > Privacy & Security > Microphone",
        "win32": "Settings > Privacy & security > Microphone",
    }.get(sys.platform, "the system's sound settings")
