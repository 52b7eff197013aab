"""Gaps in the sound, a full disk, lost headphones, sessions that were killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt

from app.ui.study.pages import Message
from app.ui.study.session_window import GONE, INTERRUPTED, MOST_VOIDS, SLOW
from app.ui.study.trial import TrialPage
from sepprune.study.archive import read_study
from sepprune.study.design import ABX, MUSHRA
from sepprune.study.results import read_result
from tests.app.ui.study.listener import Listener, open_window
from tests.study.studies import small_study

KEY = Qt.Key


def answer_one(listener: Listener) -> None:
    listener.play_all(listener.window.session.trial())
    listener.press(KEY.Key_Left, KEY.Key_Return)
    while not isinstance(listener.window.page, TrialPage) or listener.window.page.finished:
        listener.press(KEY.Key_Return)


@pytest.mark.parametrize("method", [ABX, MUSHRA])
def test_a_gap_voids_the_question_which_is_asked_again(opened, method):
    listener = opened(method)
    before = listener.window.session.trial().number
    listener.press(KEY.Key_1)
    listener.speaker.late += 2
    listener.hear()
    [attempt] = listener.window.session.answers
    assert (attempt.void, attempt.late) == ("2 gaps in the sound", 2)
    assert listener.window.page.notice.text() == INTERRUPTED
    assert listener.window.session.trial().number == before
    assert not listener.window.page.forward.isEnabled()


def test_a_gap_between_the_last_look_and_the_answer_voids_too(opened):
    listener = opened(ABX)
    listener.play_all(listener.window.session.trial())
    listener.speaker.late += 1
    listener.press(KEY.Key_Left, KEY.Key_Return)
    assert [one.void for one in listener.window.session.answers] == ["1 gaps in the sound"]


def test_a_gap_in_silence_voids_nothing(opened):
    listener = opened(ABX)
    listener.speaker.late += 1
    listener.hear()
    assert listener.window.session.answers == ()


def test_many_gaps_lead_to_a_pause_that_says_what_to_do(opened):
    listener = opened(ABX)
    for _ in range(MOST_VOIDS):
        listener.press(KEY.Key_1)
        listener.speaker.late += 1
        listener.hear()
    page = listener.window.page
    assert isinstance(page, Message)
    assert SLOW in page.text


def test_lost_headphones_pause_and_are_opened_again(tmp_path, opened):
    listener = opened(ABX)
    listener.speaker.stopped = True
    listener.hear()
    page = listener.window.page
    assert isinstance(page, Message)
    assert GONE in page.text
    listener.press(KEY.Key_Return)
    assert isinstance(listener.window.page, TrialPage)
    assert listener.speaker.closed


def test_an_answer_that_cannot_be_stored_leaves_the_question_open(opened):
    listener = opened(ABX)
    path = listener.window.session.path
    moved = path.rename(path.with_suffix(".away"))
    listener.play_all(listener.window.session.trial())
    listener.press(KEY.Key_Left, KEY.Key_Return)
    page = listener.window.page
    assert "could not be written" in page.notice.text()
    moved.rename(path)
    listener.press(KEY.Key_Return)
    assert page.finished
    assert [one.choice for one in read_result(path).answers] == ["A"]


def test_a_session_continues_with_the_next_question_and_the_same_order(tmp_path, qtbot, opened):
    first = opened(ABX, trials=2)
    for _ in range(5):
        answer_one(first)
    path = first.window.session.path
    order = read_result(path).order
    first.window.close()
    window, speaker = open_window(first.window.study, path.parent, qtbot)
    assert window.page.heading.text() == "Continue with trial 3 of 12?"
    second = Listener(window, speaker)
    second.press(KEY.Key_Return)
    second.set_volume()
    assert window.session.path == path

    def answer(page, trial):
        second.play_all(trial)
        second.press(KEY.Key_Left, KEY.Key_Return)

    second.run(answer)
    result = read_result(path)
    assert result.complete and result.order == order
    assert len(result.answers) == len(order)


def test_another_listener_can_start_beside_an_unfinished_session(qtbot, opened):
    first = opened(ABX)
    folder = first.window.session.path.parent
    first.window.close()
    window, speaker = open_window(first.window.study, folder, qtbot)
    second = Listener(window, speaker)
    second.press(KEY.Key_Backtab, KEY.Key_Space)
    second.reach_the_first_question("L2")
    assert sorted(read_result(path).listener for path in folder.iterdir()) == ["L1", "L2"]


#: answers by keyboard as fast as it can and prints how many answers the session has confirmed
_SESSION = """
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from PyQt6.QtCore import Qt
from app.ui.main import prepared_application
from sepprune.study.archive import read_study
from tests.app.ui.study.listener import Listener, open_window
application = prepared_application()
bot = SimpleNamespace(addWidget=lambda window: None, waitExposed=lambda window: nullcontext())
window, speaker = open_window(read_study(Path(sys.argv[1])), Path(sys.argv[2]), bot)
while not window.isActiveWindow():
    application.processEvents()
listener = Listener(window, speaker)
listener.reach_the_first_question()
def answer(page, trial):
    print(len(window.session.answers), flush=True)
    listener.play_all(trial)
    listener.press(Qt.Key.Key_Left, Qt.Key.Key_Return)
listener.run(answer)
"""


def test_a_killed_session_loses_at_most_the_answer_that_was_being_given(tmp_path, qtbot):
    study = small_study(tmp_path, ABX)
    process = subprocess.Popen(
        [sys.executable, "-c", _SESSION, str(study.path), str(tmp_path / "results")],
        cwd=Path(__file__).resolve().parents[4],
        stdout=subprocess.PIPE,
        text=True,
    )
    confirmed = -1
    for line in process.stdout:
        confirmed = int(line)
        if confirmed == 6:
            process.kill()
    process.wait()
    process.stdout.close()
    [path] = (tmp_path / "results").iterdir()
    stored = len(read_result(path).answers)
    assert confirmed <= stored <= confirmed + 1
    window, _ = open_window(read_study(study.path), tmp_path / "results", qtbot)
    assert window.page.heading.text() == f"Continue with trial {stored - 3 + 1} of 40?"
