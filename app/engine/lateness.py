"""Why a chunk was late: it waited for the processor, its computation took long, or the device delivered it late.

A late chunk is often the victim of an earlier one. So the time is counted over the whole run of chunks without a pause
between them: from the last chunk that arrived when nothing was being computed, to the late one.
"""

from __future__ import annotations

from collections.abc import Mapping

from .telemetry import COMPUTED, DELIVERED, WAITED

#: cause in words, by its flag
CAUSES = {WAITED: "waited for the processor", COMPUTED: "took long", DELIVERED: "the device delivered it late"}

#: key of each cause in reports
KEYS = {WAITED: "processor", COMPUTED: "compute", DELIVERED: "device"}


def late_words(counts: Mapping[str, int]) -> str:
    """Numbers of late chunks by cause, as in the reports, in words; the most frequent cause first.

    >>> late_words({"processor": 3, "compute": 0, "device": 1})
    '3 waited for the processor, 1 delivered late by the device'
    """
    words = {"processor": "waited for the processor", "compute": "took long", "device": "delivered late by the device"}
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {words[key]}" for key, count in ordered if count)


class Lateness:
    """Follows the stamps of all chunks.

    Args:
        chunk_s: duration of a chunk in seconds.
    """

    def __init__(self, chunk_s: float) -> None:
        self._chunk_s = chunk_s
        self._done = self._first = 0.0
        self._chunks = 0
        self._waited = self._computed = 0.0

    def cause(self, t_in: float, t_start: float, t_done: float, busy_s: float) -> int:
        """Take the next chunk, late or not.

        Three times are compared. *Waited*: a chunk was there and the engine was free, or it computed and did not have
        the processor. *Computed*: processor time of the separator. *Delivered*: chunks arrived closer together than
        they were recorded, since the device had held back the earlier ones.

        Args:
            t_in, t_start, t_done: as in :data:`~app.engine.telemetry.FRAME`.
            busy_s: processor time of the engine's thread from the last chunk's ``t_done`` to this one's.

        Returns:
            The flag of the longest of the three times.
        """
        if t_in >= self._done:
            self._first, self._chunks = t_in, 0
            self._waited = self._computed = 0.0
        computed = min(busy_s, t_done - t_start)
        self._waited += t_start - max(t_in, self._done) + (t_done - t_start - computed)
        self._computed += computed
        delivered = self._chunks * self._chunk_s - (t_in - self._first)
        self._chunks += 1
        self._done = t_done
        times = {WAITED: self._waited, COMPUTED: self._computed, DELIVERED: delivered}
        return max(times, key=lambda flag: times[flag])
