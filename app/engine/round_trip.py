"""Measures the delay from output to input: chirps are played, and detected in the input.

As with ``jack_delay``, the output has to reach the input, through a cable or through the air. The chirps pass through
the same cushion, resamplers, drivers and chunks as all sound, but not through the separator, whose delay is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Samples
from .events import RoundTrip

#: seconds of silence before the first chirp, in which earlier sound dies away
LEAD_S = 0.5

#: seconds of a chirp, and seconds after its start in which it is searched for
CHIRP_S, LISTEN_S = 0.25, 2.0

#: chirps in a measurement, and how many of them have to come back: on a busy computer, a gap may destroy one. Every
#: other chirp is reversed, so that a late chirp is not mistaken for the next one.
REPEATS, ENOUGH = 3, 2

#: peak of a chirp, 12 dB below full scale
AMPLITUDE = 0.25

#: first and last frequency of a chirp, as fractions of the sample rate: loudspeakers and resamplers pass this band
BAND = (0.05, 0.40)

#: least normalised correlation at which a chirp counts as detected. Noise and speech stay below 0.1; a cable gives 1.
RECOGNISED = 0.2

#: least energy of a window, so that silence is not divided by zero
_SILENCE = 1e-7


@dataclass(frozen=True)
class Measurement:
    """What the input contained.

    Args:
        delays: of each chirp that came back, in samples.
        matches: normalised correlation of every chirp.
    """

    delays: tuple[int, ...]
    matches: tuple[float, ...]

    @property
    def delay(self) -> float | None:
        """Median delay in samples; ``None`` where fewer than :data:`ENOUGH` chirps came back."""
        return float(np.median(self.delays)) if len(self.delays) >= ENOUGH else None

    @property
    def spread(self) -> int:
        """Difference between the longest and the shortest delay, in samples."""
        return max(self.delays, default=0) - min(self.delays, default=0)


class Probe:
    """Gives the chirps chunk by chunk, and stores the input.

    Args:
        sample_rate: in hertz.

    >>> probe = Probe(16_000)
    >>> while not probe.done:
    ...     echo = probe(np.zeros(128, np.float32))
    >>> probe.result().delay is None
    True
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        up = chirp(sample_rate)
        self._chirps = [(up, up[::-1])[number % 2] for number in range(REPEATS)]
        self._lead, self._listen = int(LEAD_S * sample_rate), int(LISTEN_S * sample_rate)
        self._played = np.concatenate(
            [np.zeros(self._lead, np.float32), *[np.pad(one, (0, self._listen - len(one))) for one in self._chirps]]
        )
        self._heard = np.zeros_like(self._played)
        self._position = 0

    @property
    def done(self) -> bool:
        """Whether every chirp has been played and its time has passed."""
        return self._position >= len(self._played)

    def __call__(self, chunk: Samples) -> Samples:
        """Take the input ``(samples,)``, and return the output ``(samples,)`` of the same chunk."""
        start, end = self._position, min(self._position + len(chunk), len(self._played))
        self._heard[start:end] = chunk[: end - start]
        self._position += len(chunk)
        return np.pad(self._played[start:end], (0, len(chunk) - (end - start)))

    def result(self) -> Measurement:
        """Search the stored input for every chirp."""
        starts = self._lead + self._listen * np.arange(REPEATS)
        found = [
            find(self._heard[start : start + self._listen], one)
            for start, one in zip(starts, self._chirps, strict=True)
        ]
        return Measurement(
            tuple(delay for delay, match in found if match >= RECOGNISED), tuple(round(match, 3) for _, match in found)
        )

    def answer(self, delay: int) -> RoundTrip:
        """The measurement as an event; ``delay`` is the separator's, in samples."""
        found, to_ms = self.result(), 1000.0 / self.sample_rate
        if found.delay is None:
            return RoundTrip(None, None, 0.0, _failure(found))
        trip, whole, spread = found.delay * to_ms, (found.delay + delay) * to_ms, found.spread * to_ms
        return RoundTrip(
            round(trip, 3),
            round(whole, 3),
            round(spread, 3),
            f"round trip {trip:.1f} ms, with the separator {whole:.1f} ms (spread {spread:.1f} ms)",
        )


def chirp(sample_rate: int) -> Samples:
    """A linear sweep through :data:`BAND`, faded in over its first tenth and out over its last.

    Shape:
        - result: ``(int(CHIRP_S * sample_rate),)`` float32
    """
    count = int(CHIRP_S * sample_rate)
    position = np.arange(count) / count
    phase = 2 * np.pi * count * (BAND[0] * position + 0.5 * (BAND[1] - BAND[0]) * position**2)
    fade = np.clip(10 * np.minimum(position, 1 - position), 0.0, 1.0)
    sweep: Samples = (AMPLITUDE * fade * np.sin(phase)).astype(np.float32)
    return sweep


def find(heard: Samples, sought: Samples) -> tuple[int, float]:
    """Position of ``sought`` in ``heard``, with either polarity, and the normalised correlation there (0 to 1).

    Shape:
        - heard: ``(n,)``, sought: ``(m,)`` with ``m <= n``
    """
    size = 1 << (len(heard) + len(sought) - 1).bit_length()
    signal, part = heard.astype(np.float64), sought.astype(np.float64)
    correlation = np.fft.irfft(np.fft.rfft(signal, size) * np.fft.rfft(part, size).conj(), size)
    total = np.concatenate([[0.0], np.cumsum(signal**2)])
    energy = total[len(part) :] - total[: -len(part)]
    match = np.abs(correlation[: len(energy)]) / np.sqrt(np.maximum(energy, _SILENCE) * (part @ part))
    best = int(np.argmax(match))
    return best, float(match[best])


def _failure(measurement: Measurement) -> str:
    count = len(measurement.delays)
    what = "nothing of the chirps" if count == 0 else f"only {count} of {REPEATS} chirps"
    return (
        f"{what} came back within {LISTEN_S - CHIRP_S:g} s: connect the output to the input with a cable, or turn "
        "the loudspeaker up and bring the microphone near it, and measure again"
    )
