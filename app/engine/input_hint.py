"""Tells when the input is too quiet or clipped. It is calm: a hint stays for some seconds, and does not flicker."""

from __future__ import annotations

import math

import numpy as np

from .arrays import Samples

#: lowest level that is measured: digital silence
LOWEST_DB = -140.0

#: a mixture at or below this is silent, and so are the voices in it
SILENT_DB = -75.0

#: a sample above this is clipped
CLIPPED_DB = -0.1

#: what the hints say, and what helps
TOO_QUIET, CLIPPED = "Too quiet", "Clipped"
REMEDIES = {
    TOO_QUIET: "The input is very quiet, so the voices are too. If it is a microphone, raise its level or go closer.",
    CLIPPED: "The input has reached full scale and is distorted. If it is a microphone, lower its level.",
    "": "",
}

#: an input whose loudest sound stays below the first is too quiet, until it is above the second
QUIET_DB, ENOUGH_DB = -40.0, -36.0

#: how fast the loudest sound is forgotten, so that a pause of speech is not a quiet input
FORGET_DB_PER_S = 1.0

#: seconds for which an input is quiet before that is said
QUIET_S = 2.0

#: seconds for which a hint stays after its cause has ended
STAY_S = 3.0


def decibels(samples: Samples) -> float:
    """Largest magnitude of samples ``(n,)``, in dB relative to full scale; :data:`LOWEST_DB` where there are none."""
    loudest = float(np.abs(samples).max()) if samples.size else 0.0
    return max(LOWEST_DB, 20 * math.log10(max(loudest, 1e-7)))


class InputHint:
    """What is wrong with the level of the input.

    Attributes:
        text: :data:`TOO_QUIET`, :data:`CLIPPED`, or empty.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the input: another one is used."""
        self.text = ""
        self._loudest_db = LOWEST_DB
        self._quiet_s = self._since_cause_s = 0.0

    @property
    def remedy(self) -> str:
        """What helps, as sentences; empty where nothing is wrong."""
        return REMEDIES[self.text]

    def feed(self, peak_db: float, seconds: float) -> None:
        """Take the highest level of the sound that arrived during the last ``seconds``, in dB to full scale.

        Do not call it while no sound arrives: a pause says nothing about the input.
        """
        self._loudest_db = max(peak_db, self._loudest_db - FORGET_DB_PER_S * seconds)
        limit = ENOUGH_DB if self.text == TOO_QUIET else QUIET_DB
        quiet = SILENT_DB < self._loudest_db < limit
        self._quiet_s = self._quiet_s + seconds if quiet else 0.0
        cause = CLIPPED if peak_db > CLIPPED_DB else TOO_QUIET if self._quiet_s >= QUIET_S else ""
        self._since_cause_s = 0.0 if cause and cause == self.text else self._since_cause_s + seconds
        if cause == CLIPPED or not self.text or self._since_cause_s > STAY_S:
            if cause != self.text:
                self._since_cause_s = 0.0
            self.text = cause
