"""The window of a study whose samples lie in a file."""

from __future__ import annotations

import secrets
from pathlib import Path

from sepprune.study.archive import Study
from sepprune.study.session import Session, Trial

from ...engine.headphone_tones import QUESTIONS
from ...engine.player import Player
from ..theme import Theme
from .headphones import HeadphoneCheck
from .pages import Volume
from .samples import PassageRow, SoundRow
from .session_window import SessionWindow


class StudyWindow(SessionWindow):
    """Leads one listener through a study.

    Args:
        study: the study.
        folder: for the result file.
        player: for samples at the study's rate; the window closes it.
        seed: of the session's order; drawn where it is not given.
        theme: colours; ``None``: those of the system.
    """

    def __init__(
        self, study: Study, folder: Path, player: Player, seed: int | None = None, theme: Theme | None = None
    ) -> None:
        self._samples, self._headphones = player, ""
        super().__init__(study, folder, player, seed, theme)

    def tick(self) -> None:
        super().tick()
        if isinstance(self.page, HeadphoneCheck):
            self.page.tick()

    def volume_set(self) -> None:
        if not self.study.facts.get("headphone_check") or self.session is not None:
            self.instruct()
            return
        page = HeadphoneCheck(self._samples, secrets.randbits(32), ("Back", self.ask_for_volume))
        page.finished.connect(self._checked)
        self.show_page(page)

    def facts(self) -> dict[str, str]:
        return super().facts() | ({"headphone_check": self._headphones} if self._headphones else {})

    def _checked(self, right: int) -> None:
        self._headphones = f"{right} of {QUESTIONS}"
        self.instruct()

    def load_sample(self) -> None:
        # the name is a hash, so the first by name says nothing about its condition
        self._samples.load({Volume.LABEL: self.study.samples(min(self.study.hashes))})

    def load_question(self, session: Session, trial: Trial) -> None:
        self._samples.load({label: session.samples(label) for label in trial.labels})

    def sound_row(self) -> SoundRow:
        return PassageRow(self._samples, self.theme)

    def reopen(self) -> None:
        self._samples.reopen()
        self.ask()
