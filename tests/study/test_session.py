from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sepprune.errors import UserError
from sepprune.study.archive import Study
from sepprune.study.design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from sepprune.study.results import read_result
from sepprune.study.session import Session, resume_session, start_session, unfinished
from tests.study.kills import kill_once
from tests.study.studies import answer_somehow, played, small_study

METHODS = (ABX, PREFERENCE, MUSHRA, RATING, THRESHOLD)


def started(study: Study, folder: Path) -> Session:
    return start_session(study, folder, "L1", {"age": "30"}, seed=7)


@pytest.mark.parametrize("method", METHODS)
def test_a_session_runs_to_its_end_and_is_stored_whole(tmp_path: Path, method: str) -> None:
    session = started(small_study(tmp_path, method, trials=3, levels=(0, 2, 4, 6)), tmp_path)
    shown = []
    while (trial := session.trial()) is not None:
        shown.append(trial)
        answer_somehow(session, trial)
    result = read_result(session.path)
    assert session.complete and result.complete
    assert len(result.answers) == len(shown) == len(result.order)
    assert (result.listener, result.about) == ("L1", {"age": "30"})
    counted = [trial for trial in shown if not trial.training]
    assert [trial.number for trial in counted] == list(range(1, len(counted) + 1))
    assert {trial.total for trial in counted} == {len(counted)}


@pytest.mark.parametrize("method", [ABX, PREFERENCE, MUSHRA, THRESHOLD])
def test_trials_of_different_hidden_orders_look_the_same(tmp_path: Path, method: str) -> None:
    study = small_study(tmp_path, method, levels=(0, 2, 4, 6))
    sessions = [start_session(study, tmp_path, "L1", seed=seed) for seed in (1, 2)]
    assert read_result(sessions[0].path).order != read_result(sessions[1].path).order
    for _ in range(7):
        trials = [session.trial() for session in sessions]
        assert repr(trials[0]) == repr(trials[1]) and trials[0] is not None
        for session in sessions:
            answer_somehow(session, trials[0])


def test_x_sounds_like_the_side_that_it_is(tmp_path: Path) -> None:
    session = started(small_study(tmp_path, ABX), tmp_path)
    question = read_result(session.path).order[0]
    np.testing.assert_array_equal(session.samples("X"), session.samples("AB"[question.target or 0]))
    assert not np.array_equal(session.samples("A"), session.samples("B"))
    with pytest.raises(UserError, match="choose from A, B, X"):
        session.samples("C")


def test_the_order_is_on_the_disk_before_the_first_question_and_is_sealed(tmp_path: Path) -> None:
    session = started(small_study(tmp_path, ABX), tmp_path)
    content = session.path.read_text()
    assert content.count("\n") == 1
    assert len(read_result(session.path).order) == 43
    assert not any(word in content for word in ("level", "anchor", "talk", '"seed"'))


def test_an_answer_is_on_the_disk_before_the_next_question(tmp_path: Path) -> None:
    session = started(small_study(tmp_path, ABX), tmp_path)
    for number in range(1, 6):
        trial = session.trial()
        assert trial is not None
        answer_somehow(session, trial)
        assert len(read_result(session.path).answers) == number


def test_training_tells_the_right_answer_and_the_test_does_not(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    session = started(study, tmp_path)
    order = read_result(session.path).order
    for question in order[:5]:
        trial = session.trial()
        assert trial is not None
        told = answer_somehow(session, trial)
        assert told == ("AB"[question.target or 0] if question.phase == "training" else None)


def test_a_resumed_session_continues_with_the_same_question(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    session = started(study, tmp_path)
    for _ in range(9):
        trial = session.trial()
        assert trial is not None
        answer_somehow(session, trial)
    again = unfinished(study, tmp_path)
    assert [one.path for one in again] == [session.path]
    assert again[0].trial() == session.trial()
    assert again[0].answers == session.answers


def test_an_answer_that_was_cut_short_is_dropped_and_asked_again(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    session = started(study, tmp_path)
    trials = []
    for _ in range(2):
        trials.append(session.trial())
        assert trials[-1] is not None
        answer_somehow(session, trials[-1])
    content = session.path.read_bytes()
    session.path.write_bytes(content[:-5])
    again = resume_session(study, session.path)
    assert again.trial() == trials[-1]
    trial = again.trial()
    assert trial is not None
    answer_somehow(again, trial)
    assert len(read_result(session.path).answers) == 2
    assert all(json.loads(line) for line in session.path.read_text().splitlines())


def test_a_void_attempt_is_stored_and_the_question_stays_open(tmp_path: Path) -> None:
    session = started(small_study(tmp_path, ABX), tmp_path)
    before = session.trial()
    session.void("2 underruns of the output", late=2, seconds=3.0)
    after = session.trial()
    assert before is not None and after is not None
    assert (before.number, before.total) == (after.number, after.total)
    stored = read_result(session.path).answers[0]
    assert (stored.void, stored.late, stored.choice) == ("2 underruns of the output", 2, None)


def test_answers_that_are_not_allowed_are_not_stored(tmp_path: Path) -> None:
    session = started(small_study(tmp_path, ABX), tmp_path)
    trial = session.trial()
    assert trial is not None
    for choice, plays in (("C", played(trial)), (None, played(trial)), ("A", {"A": 1, "B": 1, "X": 0})):
        with pytest.raises(UserError):
            session.answer(choice, plays=plays)
    assert session.answers == () and session.trial() == trial


def test_mushra_needs_a_score_for_every_sample(tmp_path: Path) -> None:
    session = started(small_study(tmp_path, MUSHRA), tmp_path)
    trial = session.trial()
    assert trial is not None
    assert "Reference" in trial.labels and "Reference" not in trial.scored
    for scores in ({}, {"A": 50}, {label: 101 for label in trial.scored}):
        with pytest.raises(UserError):
            session.answer(scores=scores, plays=played(trial))


def test_a_result_of_another_study_is_refused(tmp_path: Path) -> None:
    session = started(small_study(tmp_path, ABX), tmp_path)
    with pytest.raises(UserError, match="another study"):
        resume_session(small_study(tmp_path, PREFERENCE), session.path)


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 65])
def test_names_of_listeners_are_plain(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be called"):
        start_session(small_study(tmp_path, ABX), tmp_path, name)


def test_a_session_needs_no_scipy_torch_or_loudness_library(tmp_path: Path) -> None:
    study = small_study(tmp_path, THRESHOLD, levels=(0, 2, 4, 6))
    script = (
        "import sys; from pathlib import Path\n"
        "for name in ('scipy', 'torch', 'pyloudnorm', 'matplotlib', 'PyQt6', 'sounddevice'): sys.modules[name] = None\n"
        "from sepprune.study.archive import read_study\n"
        "from sepprune.study.session import start_session\n"
        f"study = read_study(Path({str(study.path)!r}))\n"
        f"session = start_session(study, Path({str(tmp_path)!r}), 'L1')\n"
        "while (trial := session.trial()) is not None:\n"
        "    [session.samples(label) for label in trial.labels]\n"
        "    session.answer('A', plays={label: 1 for label in trial.labels})\n"
        "print(session.complete)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_full_disk_loses_nothing_but_the_answer_that_is_being_given(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    session = started(study, tmp_path)
    script = (
        "import resource, signal; from pathlib import Path\n"
        "from sepprune.errors import UserError\n"
        "from sepprune.study.archive import read_study\n"
        "from sepprune.study.session import resume_session\n"
        f"path = Path({str(session.path)!r})\n"
        f"session = resume_session(read_study(Path({str(study.path)!r})), path)\n"
        "limit = path.stat().st_size + 250\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    while (trial := session.trial()) is not None:\n"
        "        session.answer('A', plays={label: 1 for label in trial.labels})\n"
        "except UserError as error: print(error)\n"
        "before = session.trial(), session.answers\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "session.answer('B', plays={label: 1 for label in trial.labels})\n"
        "assert session.answers[:-1] == before[1] == session.answers[: len(before[1])]\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "make room on the disk" in done.stdout
    answers = read_result(session.path).answers
    assert [one.choice for one in answers] == ["A"] * (len(answers) - 1) + ["B"] and len(answers) > 1


def test_a_killed_session_loses_at_most_the_answer_that_was_being_given(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    for seed in range(4):
        kill_once(study, tmp_path / str(seed), seed)
