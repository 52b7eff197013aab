"""The window of a blind comparison on the live stream."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from PyQt6.QtGui import QCloseEvent

from sepprune.errors import UserError
from sepprune.study.archive import Study
from sepprune.study.live import running, verdict
from sepprune.study.results import read_result
from sepprune.study.session import Session, Trial

from ...engine.headphone_tones import QUESTIONS
from ...engine.player import Player
from ..facts import sentence
from ..theme import Theme
from .headphones import HeadphoneCheck
from .live_pages import HoldRow, Measuring
from .live_player import LivePlayer
from .pages import Volume
from .samples import SoundRow
from .session_window import SessionWindow

#: the code of a listener who only compares for himself or herself
ALONE = "me"


class LiveWindow(SessionWindow):
    """Leads one listener through a blind comparison.

    Args:
        study: from :func:`sepprune.study.live.live_study`.
        folder: for the result file.
        player: its engine is started once the listener is known; the window ends it.
        seed: of the session's order; drawn where it is not given.
        theme: colours; ``None``: those of the system.
        open_tones: gives a player of two channels for the headphone check, which comes first then; ``None``: no check.
    """

    def __init__(
        self,
        study: Study,
        folder: Path,
        player: LivePlayer,
        seed: int | None = None,
        theme: Theme | None = None,
        open_tones: Callable[[], Player] | None = None,
    ) -> None:
        self._live, self._open_tones, self._headphones = player, open_tones, ""
        self._tones: Player | None = None
        self._places: Mapping[str, int] = {name: place for place, name in enumerate(running(study))}
        self._then: Callable[[], None] = self.ask_for_volume
        super().__init__(study, folder, player, seed, theme)
        self.questionnaire.listener.setText(ALONE)

    def tick(self) -> None:
        super().tick()
        page, notice = self.page, self._live.notice
        if isinstance(page, Measuring | HeadphoneCheck):
            page.tick()
        elif notice:
            self._live.notice = ""
            self.show_notice(sentence(notice))

    def listener_known(self) -> None:
        if self._open_tones is None or self._headphones or self.session is not None:
            self._measure(self.ask_for_volume)
            return
        try:
            self._tones = self._tones or self._open_tones()
        except UserError as error:
            self.show_notice(sentence(str(error)))
            return
        page = HeadphoneCheck(self._tones, secrets.randbits(32), self.way_back())
        page.finished.connect(self._checked)
        self.show_page(page)

    def load_sample(self) -> None:
        self._live.load({Volume.LABEL: 0})

    def load_question(self, session: Session, trial: Trial) -> None:
        self._live.load({label: self._places[session.condition(label)] for label in trial.labels})

    def sound_row(self) -> SoundRow:
        return HoldRow(self._live)

    def reopen(self) -> None:
        self._measure(self.ask)

    def why_stopped(self) -> str:
        why = "The audio engine does not respond." if self._live.failed is None else sentence(self._live.failed)
        return f"{why} Continue starts it again."

    def facts(self) -> dict[str, str]:
        checked = {"headphone_check": self._headphones} if self._headphones else {}
        return {**super().facts(), "input": self._live.source, **checked}

    def result(self) -> tuple[str, str]:
        path = self.opened.path
        text = f"{verdict(read_result(path))}\n\nThe answers are stored in {path.name} in {path.parent}."
        return "The result", text

    def _checked(self, right: int) -> None:
        self._headphones = f"{right} of {QUESTIONS}"
        self._close_tones()  # the engine opens the same device
        self._measure(self.ask_for_volume)

    def _close_tones(self) -> None:
        if self._tones is not None:
            self._tones.close()
            self._tones = None

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self._close_tones()
        super().closeEvent(event)

    def _measure(self, then: Callable[[], None]) -> None:
        """Start the engine anew and show whether it is fast enough."""
        self._then = then
        self._live.start()
        self.show_page(Measuring(self._live, [self.way_back(), ("Continue", self._measured)]))

    def _measured(self) -> None:
        page, matched = self.page, self._live.matched
        if isinstance(page, Measuring) and page.fit is not None and matched is not None:
            gains = None if matched.gains_db is None else [round(gain, 3) for gain in matched.gains_db]
            measured = {
                "loudness_gains_db": gains,
                "chunk_ms": page.fit.deadline_ms,
                "measured_p99_ms": round(page.fit.p99_ms, 4),
                "measured_late": page.fit.late,
            }
            self.study = replace(self.study, facts={**self.study.facts, **measured})
        self._then()
