"""Pages of a blind comparison on the live stream: whether the machine is fast enough, and the held seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PyQt6.QtWidgets import QHBoxLayout, QProgressBar

from ...engine.arrays import Frames
from ...engine.telemetry import DEADLINE_MISS
from ..facts import sentence
from ..labels import label
from ..theme import fit_bold
from .live_player import LivePlayer
from .pages import Page
from .samples import SoundRow
from .style import button

#: seconds of sound that are measured
MEASURED_S = 5.0
LOADING = "The levels are being loaded …"
MEASURING = "Measuring …"
QUIET = (
    "It was too quiet to make both equally loud: let somebody speak or play something, and measure again. Otherwise "
    "loudness alone may tell them apart."
)


VOID = "A question with a late chunk is void and is asked again."


@dataclass(frozen=True)
class Fit:
    """Whether the conditions fit the deadline together.

    Args:
        chunks: that were measured.
        late: chunks that missed the deadline.
        p99_ms: chunk time that 99 % of the chunks stay below, in milliseconds.
        deadline_ms: duration of a chunk in milliseconds.
    """

    chunks: int
    late: int
    p99_ms: float
    deadline_ms: float

    @property
    def fits(self) -> bool:
        """Whether nearly all chunks were done in time."""
        return self.p99_ms < self.deadline_ms

    @property
    def sentence(self) -> str:
        """The result in words."""
        needs = f"Both at once need {self.p99_ms:.2f} ms for a chunk of {self.deadline_ms:g} ms (99 % of the chunks)"
        if not self.fits:
            return (
                f"{needs}: they do not fit. Start again with lighter levels, or with longer chunks (--chunk-ms). {VOID}"
            )
        if self.late:
            return (
                f"{needs}: they fit. But of {self.chunks} chunks {self.late} came late, because other programs use the "
                f"processor: close them and measure again. {VOID}"
            )
        return f"{needs}, and none of {self.chunks} chunks was late: they fit."


def fit_of(rows: Frames, deadline_ms: float) -> Fit:
    """The fit of rows of :data:`~app.engine.telemetry.FRAME`; at least one."""
    times = 1000 * (rows["t_done"] - rows["t_start"])
    late = np.count_nonzero(rows["flags"].astype(np.int64) & DEADLINE_MISS)
    return Fit(len(rows), int(late), float(np.percentile(times, 99)), deadline_ms)


class Measuring(Page):
    """Runs everything that is compared, in silence, and says whether it fits the deadline.

    Args:
        player: whose engine has been started.
        actions: as for :class:`Page`; the last one continues.

    Attributes:
        fit: the result, ``None`` until it is there.
    """

    def __init__(self, player: LivePlayer, actions: Sequence[tuple[str, Callable[[], None]]]) -> None:
        super().__init__("Is this computer fast enough?", actions)
        self._player = player
        self.fit: Fit | None = None
        self.done = False
        self._first: int | None = None
        self.text, self.bar = label(LOADING, wrap=True), QProgressBar()
        self.bar.setRange(0, 100)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the measurement")
        self.again = button("Measure again", "small")
        self.again.clicked.connect(self.restart)
        self.content.addWidget(self.text)
        self.content.addWidget(self.bar)
        row = QHBoxLayout()
        row.addWidget(self.again)
        row.addStretch(1)
        self.content.addLayout(row)
        self.restart()

    def restart(self) -> None:
        """Measure anew."""
        self.fit, self.done, self._first = None, False, None
        self.forward.setEnabled(False)
        self.again.setEnabled(False)
        self.show_notice("")

    def tick(self) -> None:
        """Take in what was measured. Call it regularly."""
        ready = self._player.ready
        if self._player.failed is not None:
            self.text.setText(sentence(self._player.failed))
            return
        if ready is None or self.done:
            return
        if self.fit is None:
            self._measure(ready.chunk / ready.sample_rate)
        elif self._player.matched is not None:
            self._show(self._player.matched.gains_db is not None)

    def _measure(self, chunk_s: float) -> None:
        rows = self._player.rows()
        if self._first is None:
            self._first = len(rows) and int(rows["index"][-1]) + 1
        rows = rows[rows["index"] >= self._first]
        self.text.setText(MEASURING)
        self.bar.setValue(round(100 * min(1.0, len(rows) * chunk_s / MEASURED_S)))
        if len(rows) * chunk_s >= MEASURED_S:
            self.fit = fit_of(rows, 1000 * chunk_s)
            self._player.match_loudness()

    def _show(self, matched: bool) -> None:
        assert self.fit is not None
        self.done = True
        self.text.setText(self.fit.sentence)
        self.show_notice("" if matched else QUIET)
        self.again.setEnabled(True)
        self.forward.setEnabled(True)
        (self.forward if matched and not self.fit.late else self.again).setFocus()


class HoldRow(SoundRow):
    """Holds the last ten seconds, and stops the sound.

    Args:
        player: of the live stream.
    """

    def __init__(self, player: LivePlayer) -> None:
        super().__init__()
        self._player = player
        self._fitted = False
        self.hold, self.silence = button("Hold the last ten seconds (H)", "small"), button("Stop (S)", "small")
        self.hold.setCheckable(True)
        self.hold.clicked.connect(player.hold)
        self.silence.clicked.connect(player.stop)
        self.state = label("", "small")
        self.keys = {"H": self.hold.click, "S": self.silence.click}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addStretch(1)
        row.addWidget(self.hold)
        row.addWidget(self.silence)
        row.addWidget(self.state)
        row.addStretch(1)

    def tick(self) -> None:
        if not self._fitted and self.isVisible():
            fit_bold(self.hold)  # the style sheet is known once the page is shown
            self._fitted = True
        self.hold.setChecked(self._player.held)
        self.state.setText("the last ten seconds repeat" if self._player.held else "live")
