"""The window of a study whose samples lie in a file."""

from __future__ import annotations

from pathlib import Path

from sepprune.study.archive import Study
from sepprune.study.session import Session, Trial

from ...engine.player import Player
from ..theme import Theme
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
        self._samples = player
        super().__init__(study, folder, player, seed, theme)

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
