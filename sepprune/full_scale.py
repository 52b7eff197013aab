"""Sound beyond full scale in files of whole numbers: it is limited to full scale, never wrapped, and always counted."""

from __future__ import annotations

import math

import numpy as np

from .containers import Samples


class FullScale:
    """Limits samples to full scale, which is 1, and remembers what it had to limit.

    Files of 32-bit floats need no limit. Everything that writes another format passes its samples through this.

    Attributes:
        clipped: samples that were beyond full scale.
        peak: largest of them.

    >>> limit = FullScale()
    >>> limit(np.array([0.5, -2.0, 1.0], np.float32)).tolist()
    [0.5, -1.0, 1.0]
    >>> limit.note("voice.flac", "use WAV")
    '1 sample of voice.flac is clipped: the largest was 6.0 dB beyond full scale; use WAV'
    """

    def __init__(self) -> None:
        self.clipped, self.peak = 0, 0.0

    def __call__(self, samples: Samples) -> Samples:
        """Limit samples of any shape."""
        if (peak := float(np.abs(samples).max(initial=0.0))) <= 1.0:
            return samples
        self.peak = max(self.peak, peak)
        self.clipped += int(np.count_nonzero(np.abs(samples) > 1.0))
        limited: Samples = np.clip(samples, -1.0, 1.0)
        return limited

    def note(self, name: str, advice: str) -> str | None:
        """A sentence for the user where a sample was limited, else ``None``.

        Args:
            name: of what was written.
            advice: what keeps such samples.
        """
        if not self.clipped:
            return None
        some = "1 sample of {} is" if self.clipped == 1 else f"{self.clipped} samples of {{}} are"
        beyond = f"the largest was {20 * math.log10(self.peak):.1f} dB beyond full scale"
        return f"{some.format(name)} clipped: {beyond}; {advice}"
