"""The window of a listening test: which page follows, and what is stored when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from sepprune.errors import UserError
from sepprune.study.archive import Study
from sepprune.study.session import Session, Trial, check_listener, start_session, unfinished

from ...engine.player import Player
from ..facts import sentence
from ..theme import Theme, running_application, system_theme
from .pages import Message, Page, Questionnaire, Volume
from .style import SCALE, study_style
from .trial import Given, TrialPage, progress_text

#: milliseconds between two looks at the player
TICK_MS = 33
#: attempts in a row that gaps may void before the listener is asked to do something about it
MOST_VOIDS = 3
#: unfinished sessions that are offered, the latest first
MOST_OFFERED = 5
INTERRUPTED = "The sound was interrupted. This question starts again, and what you heard of it does not count."
SLOW = "The sound is interrupted again and again. Close other programs, then continue."
GONE = "The headphones are gone, or their device stopped. Connect them again, then continue."


class StudyWindow(QWidget):
    """Leads one listener through a study.

    Args:
        study: the study.
        folder: for the result file.
        player: for samples at the study's rate; the window closes it.
        seed: of the session's order; drawn where it is not given.
        theme: colours; ``None``: those of the system.

    Attributes:
        study: the study.
        session: the session, once it has begun.
        player: what plays the samples.
        pages: the page that is shown is the current one.
    """

    def __init__(
        self, study: Study, folder: Path, player: Player, seed: int | None = None, theme: Theme | None = None
    ) -> None:
        super().__init__()
        self.study, self._folder, self.player, self._seed = study, folder, player, seed
        self.session: Session | None = None
        self._shown: Trial | None = None
        self._voids = 0
        self._theme = theme or system_theme(running_application())
        font = running_application().font()
        self._theme = self._theme.with_points(max(9.0, font.pointSizeF()) * SCALE)
        self.setObjectName("page")
        self.setWindowTitle(study.texts.title)
        self.setMinimumSize(1000, 700)
        self.setStyleSheet(study_style(self._theme))
        self.pages = QStackedWidget()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.pages)
        self._questionnaire = Questionnaire(
            study.texts.questionnaire, [("Back", self._welcome), ("Continue", self._check_listener)]
        )
        self.timer = QTimer(self)
        self.timer.setInterval(TICK_MS)
        self.timer.timeout.connect(self.tick)
        self.timer.start()
        open_sessions = unfinished(study, folder)[:MOST_OFFERED] if folder.is_dir() else []
        if open_sessions:
            self._offer(open_sessions)
        else:
            self._welcome()

    @property
    def page(self) -> QWidget:
        """The page that is shown."""
        shown = self.pages.currentWidget()
        assert shown is not None
        return shown

    def tick(self) -> None:
        """Look at the player: show its position, and void the question where the sound had gaps."""
        self.player.watch()
        page = self.page
        if not isinstance(page, TrialPage):
            return
        page.tick()
        if self.player.stopped:
            self._pause(GONE)
        elif self.player.late and not page.finished:
            self._void()

    # ---- before the session ----

    def _offer(self, sessions: list[Session]) -> None:
        def resume(session: Session) -> Callable[[], None]:
            return lambda: self._resume(session)

        first = sessions[0]
        others = [(f"Continue as {one.listener}, {_place(one)}", resume(one)) for one in sessions[1:]]
        text = f"The session of {first.listener} is not complete. All answers up to now are stored."
        page = Message(
            f"Continue with {_place(first)}?",
            text,
            [("Another listener", self._welcome), *others, (f"Continue as {first.listener}", resume(first))],
        )
        self._show(page)

    def _resume(self, session: Session) -> None:
        self.session = session
        self._volume()

    def _welcome(self) -> None:
        texts = self.study.texts
        actions: list[tuple[str, Callable[[], None]]] = [
            ("Leave", self._leave),
            ("I agree", lambda: self._show(self._questionnaire)),
        ]
        self._show(Message(texts.title, texts.consent, actions))

    def _check_listener(self) -> None:
        page, name = self._questionnaire, self._questionnaire.listener.text().strip()
        try:
            check_listener(name)
        except UserError as error:
            page.show_notice(sentence(str(error)) if name else "Enter the code that the researcher gave you.")
            page.listener.setFocus()
            return
        page.show_notice("")
        self._volume()

    def _volume(self) -> None:
        try:
            # the name is a hash, so the first by name says nothing about its condition
            sample = self.study.samples(min(self.study.hashes))
        except UserError as error:
            self._fail(sentence(str(error)))
            return
        self.player.load({Volume.LABEL: sample})
        back: Callable[[], None] = self._leave if self.session else lambda: self._show(self._questionnaire)
        self._show(Volume(self.player, [("Leave" if self.session else "Back", back), ("Continue", self._instructions)]))

    def _instructions(self) -> None:
        actions: list[tuple[str, Callable[[], None]]] = [("Back", self._volume), ("Start", self._begin)]
        self._show(Message("What to do", self.study.texts.instructions, actions))

    def _begin(self) -> None:
        if self.session is None:
            form = self._questionnaire
            about = {**form.about, "output_device": self.player.device, "attenuation_db": f"{-self.player.gain_db:g}"}
            try:
                self.session = start_session(self.study, self._folder, form.listener.text().strip(), about, self._seed)
            except UserError as error:
                self._notice(sentence(str(error)))
                return
        self._ask()

    # ---- the session ----

    def _ask(self) -> None:
        """Show the open question; before the first one of a part, say what begins."""
        trial = self._opened.trial()
        if trial is None:
            self._end()
            return
        before, self._shown = self._shown, trial
        if before is None or (before.training, before.topic) == (trial.training, trial.topic):
            self._show_trial()
            return
        if before.training and not trial.training:
            heading, text = "The training is over", "From now on your answers count."
        else:
            heading, text = "The question changes", "From now on attend to this:"
        text += "\n\n" + self.study.texts.questions[trial.topic]
        self._show(Message(heading, text, [("Pause", self._pause), ("Continue", self._show_trial)]))

    def _show_trial(self, notice: str = "") -> None:
        session = self._opened
        trial = session.trial()
        assert trial is not None
        try:
            self.player.load({label: session.samples(label) for label in trial.labels})
        except UserError as error:
            self._fail(sentence(str(error)))
            return
        page = TrialPage(self.study.design.method, trial, self.study.texts, self.player, self._theme)
        page.answered.connect(self._answer)
        page.continued.connect(self._ask)
        page.pause_asked.connect(self._pause)
        page.show_notice(notice)
        self._show(page)

    def _answer(self, given: Given) -> None:
        self.tick()  # a gap up to this moment voids the question
        page = self.page
        if not isinstance(page, TrialPage) or self.player.late:
            return
        self.player.stop()
        try:
            right = self._opened.answer(given.choice, given.scores, self.player.seconds, self.player.plays)
        except UserError as error:
            page.show_notice(sentence(str(error)))
            return
        self._voids = 0
        if right is None:
            self._ask()
        else:
            page.show_notice("")
            page.show_feedback(right == given.choice, right)

    def _void(self) -> None:
        late, seconds = self.player.late, self.player.seconds
        self.player.stop()
        try:
            self._opened.void(f"{late} gaps in the sound", late, seconds)
        except UserError as error:
            self._fail(sentence(str(error)))
            return
        self._voids += 1
        if self._voids % MOST_VOIDS:
            self._show_trial(INTERRUPTED)
        else:
            self._pause(SLOW)

    def _pause(self, reason: str = "Take a break. All answers up to now are stored.") -> None:
        self.player.stop()
        self._show(Message("Pause", reason, [("Leave", self._leave), ("Continue", self._continue)]))

    def _continue(self) -> None:
        if self.player.stopped:
            try:
                self.player.reopen()
            except UserError as error:
                self._notice(sentence(str(error)))
                return
        self._ask()

    def _end(self) -> None:
        path = self._opened.path
        text = f"All your answers are stored. Give this file to the researcher:\n\n{path.name}\n\nin {path.parent}"
        self._show(Message("Thank you", text, [("Close", self._leave)]))

    # ---- pages ----

    @property
    def _opened(self) -> Session:
        assert self.session is not None
        return self.session

    def _show(self, page: QWidget) -> None:
        if not isinstance(page, TrialPage):
            self.player.stop()
        before = self.pages.currentWidget()
        self.pages.addWidget(page)
        self.pages.setCurrentWidget(page)
        if before is not None and before is not page:
            self.pages.removeWidget(before)
            if before is not self._questionnaire:  # it keeps what was entered
                before.deleteLater()

    def _notice(self, text: str) -> None:
        if isinstance(self.page, Page | TrialPage):
            self.page.show_notice(text)

    def _fail(self, text: str) -> None:
        self._show(Message("The test cannot continue", text, [("Close", self._leave)]))

    def _leave(self) -> None:
        self.close()

    def closeEvent(self, event: QCloseEvent | None) -> None:
        self.timer.stop()
        self.player.close()
        super().closeEvent(event)


def _place(session: Session) -> str:
    trial = session.trial()
    return "" if trial is None else progress_text(trial)[0].lower() + progress_text(trial)[1:]
