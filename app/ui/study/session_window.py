"""What windows of listening tests share: which page follows, and what is stored when."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path

from sepprune.errors import UserError
from sepprune.study.archive import Study
from sepprune.study.session import Session, Trial, check_listener, start_session, unfinished

from ..facts import sentence
from ..theme import Theme
from .paged_window import PagedWindow
from .pages import Message, Questionnaire, Volume
from .samples import SoundRow
from .sounds import Sounds
from .trial import Given, TrialPage, progress_text

#: attempts in a row that gaps may void before the listener is asked to do something about it
MOST_VOIDS = 3
#: unfinished sessions that are offered, the latest first
MOST_OFFERED = 5
INTERRUPTED = "The sound was interrupted. This question starts again, and what you heard of it does not count."
SLOW = "The sound is interrupted again and again. Close other programs, then continue."
GONE = "The headphones are gone, or their device stopped. Connect them again, then continue."


class SessionWindow(PagedWindow):
    """Leads one listener through a study. A kind of window says how samples are loaded and what its own pages are.

    Args:
        study: the study.
        folder: for the result file.
        player: what plays; the window closes it.
        seed: of the session's order; drawn where it is not given.
        theme: colours; ``None``: those of the system.

    Attributes:
        study: the study.
        session: the session, once it has begun.
        questionnaire: the page that asks who listens.
    """

    def __init__(
        self, study: Study, folder: Path, player: Sounds, seed: int | None = None, theme: Theme | None = None
    ) -> None:
        super().__init__(study.texts.title, player, theme)
        self.study, self._folder, self._seed = study, folder, seed
        self.session: Session | None = None
        self._shown: Trial | None = None
        self._voids = 0
        self.questionnaire = Questionnaire(
            study.texts.questionnaire, [("Back", self._welcome), ("Continue", self._check_listener)]
        )
        self.kept = self.questionnaire
        self.timer.start()
        open_sessions = unfinished(study, folder)[:MOST_OFFERED] if folder.is_dir() else []
        if open_sessions:
            self._offer(open_sessions)
        else:
            self._welcome()

    def tick(self) -> None:
        """Look at the player: show its position, and void the question where the sound had gaps."""
        self.player.watch()
        page = self.page
        if not isinstance(page, TrialPage):
            return
        page.tick()
        if self.player.stopped:
            self._pause(self.why_stopped())
        elif self.player.late and not page.finished:
            self._void()

    # ---- what differs between kinds of windows; Qt's classes cannot be abstract ones of Python ----

    @abstractmethod
    def load_sample(self) -> None:
        """Load a sample for the volume page, called :attr:`Volume.LABEL`, that tells nothing.

        Raises:
            UserError: it cannot be read.
        """

    @abstractmethod
    def load_question(self, session: Session, trial: Trial) -> None:
        """Load all samples of the open question.

        Raises:
            UserError: one cannot be read.
        """

    @abstractmethod
    def sound_row(self) -> SoundRow:
        """What changes how samples play, for the page of a question."""

    @abstractmethod
    def reopen(self) -> None:
        """Open the sound again after it stopped, and continue.

        Raises:
            UserError: it cannot be opened.
        """

    def why_stopped(self) -> str:
        """Why there is no sound any more, and what to do."""
        return GONE

    def facts(self) -> dict[str, str]:
        """What a result file states about this session besides the questionnaire."""
        return {"output_device": self.player.device, "attenuation_db": f"{-self.player.gain_db:g}"}

    def listener_known(self) -> None:
        """The page after the questionnaire, and the first one of a session that continues."""
        self.ask_for_volume()

    def volume_set(self) -> None:
        """The page after the volume."""
        self.instruct()

    def result(self) -> tuple[str, str]:
        """Heading and text of the last page."""
        path = self.opened.path
        text = f"All your answers are stored. Give this file to the researcher:\n\n{path.name}\n\nin {path.parent}"
        return "Thank you", text

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
        self.show_page(page)

    def _resume(self, session: Session) -> None:
        self.session = session
        self.listener_known()

    def _welcome(self) -> None:
        texts = self.study.texts
        actions: list[tuple[str, Callable[[], None]]] = [
            ("Leave", self.leave),
            ("I agree", lambda: self.show_page(self.questionnaire)),
        ]
        self.show_page(Message(texts.title, texts.consent, actions))

    def _check_listener(self) -> None:
        page, name = self.questionnaire, self.questionnaire.listener.text().strip()
        try:
            check_listener(name)
        except UserError as error:
            page.show_notice(sentence(str(error)) if name else "Enter the code that the researcher gave you.")
            page.listener.setFocus()
            return
        page.show_notice("")
        self.listener_known()

    def ask_for_volume(self) -> None:
        """Show the page that sets the volume."""
        try:
            self.load_sample()
        except UserError as error:
            self.fail(sentence(str(error)))
            return
        self.show_page(Volume(self.player, [self.way_back(), ("Continue", self.volume_set)]))

    def way_back(self) -> tuple[str, Callable[[], None]]:
        """The first button of a page before the session."""
        if self.session is not None:
            return "Leave", self.leave
        return "Back", lambda: self.show_page(self.questionnaire)

    def instruct(self) -> None:
        """Show the instructions."""
        actions: list[tuple[str, Callable[[], None]]] = [("Back", self.ask_for_volume), ("Start", self._begin)]
        self.show_page(Message("What to do", self.study.texts.instructions, actions))

    def _begin(self) -> None:
        if self.session is None:
            form = self.questionnaire
            about = {**form.about, **self.facts()}
            try:
                self.session = start_session(self.study, self._folder, form.listener.text().strip(), about, self._seed)
            except UserError as error:
                self.show_notice(sentence(str(error)))
                return
        self.ask()

    # ---- the session ----

    def ask(self) -> None:
        """Show the open question; before the first one of a part, say what begins."""
        trial = self.opened.trial()
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
        self.show_page(Message(heading, text, [("Pause", self._pause), ("Continue", self._show_trial)]))

    def _show_trial(self, notice: str = "") -> None:
        session = self.opened
        trial = session.trial()
        assert trial is not None
        try:
            self.load_question(session, trial)
        except UserError as error:
            self.fail(sentence(str(error)))
            return
        page = TrialPage(self.study.design.method, trial, self.study.texts, self.player, self.sound_row())
        page.answered.connect(self._answer)
        page.continued.connect(self.ask)
        page.pause_asked.connect(self._pause)
        page.show_notice(notice)
        self.show_page(page)

    def _answer(self, given: Given) -> None:
        self.tick()  # a gap up to this moment voids the question
        page = self.page
        if not isinstance(page, TrialPage) or self.player.late:
            return
        self.player.stop()
        try:
            right = self.opened.answer(given.choice, given.scores, self.player.seconds, self.player.plays)
        except UserError as error:
            page.show_notice(sentence(str(error)))
            return
        self._voids = 0
        if right is None:
            self.ask()
        else:
            page.show_notice("")
            page.show_feedback(right == given.choice, right)

    def _void(self) -> None:
        late, seconds = self.player.late, self.player.seconds
        self.player.stop()
        try:
            self.opened.void(f"{late} gaps in the sound", late, seconds)
        except UserError as error:
            self.fail(sentence(str(error)))
            return
        self._voids += 1
        if self._voids % MOST_VOIDS:
            self._show_trial(INTERRUPTED)
        else:
            self._pause(SLOW)

    def _pause(self, reason: str = "Take a break. All answers up to now are stored.") -> None:
        self.player.stop()
        self.show_page(Message("Pause", reason, [("Leave", self.leave), ("Continue", self._continue)]))

    def _continue(self) -> None:
        if self.player.stopped:
            try:
                self.reopen()
            except UserError as error:
                self.show_notice(sentence(str(error)))
            return
        self.ask()

    def _end(self) -> None:
        heading, text = self.result()
        self.show_page(Message(heading, text, [("Close", self.leave)]))

    @property
    def opened(self) -> Session:
        """The session, which has begun."""
        assert self.session is not None
        return self.session


def _place(session: Session) -> str:
    trial = session.trial()
    return "" if trial is None else progress_text(trial)[0].lower() + progress_text(trial)[1:]
