"""The delay from output to input, measured: chirps are played, and looked for in what comes in.

Like ``jack_delay``, this needs the output to reach the input: through a cable, or through the air. The chirps take the
way of every sample (cushion, resamplers, drivers, chunks), but not through the separator, whose delay is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .events import RoundTrip

#: silence before the first chirp, in which what was played before dies away
LEAD_S = 0.5

#: a chirp, and how long after its beginning it is listened for
CHIRP_S, LISTEN_S = 0.25, 2.0

#: chirps in a measurement, every other one backwards, and how many of them have to come back: a busy computer may
#: tear one apart. One that comes after its time is not taken for its successor, which runs the other way.
REPEATS, ENOUGH = 3, 2

#: peak of a chirp, 12 dB below full scale
AMPLITUDE = 0.25

#: from and to which frequency a chirp runs, as fractions of the sample rate: what loudspeakers and resamplers let pass
BAND = (0.05, 0.40)

#: normalised correlation from which a chirp is recognised. Noise and speech stay below 0.1, a cable gives 1.
RECOGNISED = 0.2

#: energy of a window that is as good as silent
_SILENCE = 1e-7


@dataclass(frozen=True)
class Measurement:
    """``delays``: one of each chirp that came back, in samples; ``matches``: how well each chirp was recognised."""

    delays: tuple[int, ...]
    matches: tuple[float, ...]

    @property
    def delay(self) -> float | None:
        """Median in samples, ``None`` where too few chirps came back."""
        return float(np.median(self.delays)) if len(self.delays) >= ENOUGH else None

    @property
    def spread(self) -> int:
        """Samples between the shortest and the longest delay."""
        return max(self.delays, default=0) - min(self.delays, default=0)


class Probe:
    """Plays its part chunk by chunk and remembers what comes in meanwhile.

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
        """Whether everything has been played and listened to."""
        return self._position >= len(self._played)

    def __call__(self, chunk: np.ndarray) -> np.ndarray:
        """Take what came in, ``(samples,)``, and give what is to be played with it, ``(samples,)``."""
        start, end = self._position, min(self._position + len(chunk), len(self._played))
        self._heard[start:end] = chunk[: end - start]
        self._position += len(chunk)
        return np.pad(self._played[start:end], (0, len(chunk) - (end - start)))

    def result(self) -> Measurement:
        """Look for every chirp."""
        starts = self._lead + self._listen * np.arange(REPEATS)
        found = [
            find(self._heard[start : start + self._listen], one)
            for start, one in zip(starts, self._chirps, strict=True)
        ]
        return Measurement(
            tuple(delay for delay, match in found if match >= RECOGNISED), tuple(round(match, 3) for _, match in found)
        )

    def answer(self, delay: int) -> RoundTrip:
        """The result for people and programs; ``delay`` is the separator's, in samples."""
        found, to_ms = self.result(), 1000.0 / self.sample_rate
        if found.delay is None:
            return RoundTrip(None, None, 0.0, _failure(found))
        way, whole, spread = found.delay * to_ms, (found.delay + delay) * to_ms, found.spread * to_ms
        return RoundTrip(
            round(way, 3),
            round(whole, 3),
            round(spread, 3),
            f"round trip {way:.1f} ms, with the separator {whole:.1f} ms (spread {spread:.1f} ms)",
        )


def chirp(sample_rate: int) -> np.ndarray:
    """A linear sweep through :data:`BAND`, faded in and out over its tenths.

    Shape:
        - result: ``(int(CHIRP_S * sample_rate),)`` float32
    """
    count = int(CHIRP_S * sample_rate)
    position = np.arange(count) / count
    phase = 2 * np.pi * count * (BAND[0] * position + 0.5 * (BAND[1] - BAND[0]) * position**2)
    fade = np.clip(10 * np.minimum(position, 1 - position), 0.0, 1.0)
    return (AMPLITUDE * fade * np.sin(phase)).astype(np.float32)


def find(heard: np.ndarray, sought: np.ndarray) -> tuple[int, float]:
    """Where ``sought`` lies in ``heard``, either way up, and the normalised correlation there (0 to 1).

    Shape:
        - heard: ``(n,)``, sought: ``(m,)`` with ``m <= n``
    """
    size = 1 << (len(heard) + len(sought) - 1).bit_length()
    heard, sought = heard.astype(np.float64), sought.astype(np.float64)
    correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(sought, size).conj(), size)
    total = np.concatenate([[0.0], np.cumsum(heard**2)])
    energy = total[len(sought) :] - total[: -len(sought)]
    match = np.abs(correlation[: len(energy)]) / np.sqrt(np.maximum(energy, _SILENCE) * (sought @ sought))
    best = int(np.argmax(match))
    return best, float(match[best])


def _failure(measurement: Measurement) -> str:
    count = len(measurement.delays)
    what = "nothing of the chirps" if count == 0 else f"only {count} of {REPEATS} chirps"
    return (
        f"{what} came back within {LISTEN_S - CHIRP_S:g} s: connect the output to the input with a cable, or turn "
        "the loudspeaker up and bring the microphone near it, and measure again"
    )
