"""Simulated listeners find their thresholds through the real pages: ``python -m tests.app.ui.study.thresholds``."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PyQt6.QtCore import Qt

from app.ui.main import prepared_application
from app.ui.study.trial import TrialPage
from sepprune.study.analysis import threshold_of
from sepprune.study.design import THRESHOLD
from sepprune.study.listeners import GUESS, Simulated
from sepprune.study.methods import TRAINING, method_named
from sepprune.study.outcomes import by_listener
from sepprune.study.results import read_result
from sepprune.study.session import Trial, draw_order
from sepprune.study.statistics.psychometric import ThresholdEstimate
from tests.app.ui.study.listener import Listener, open_window
from tests.study.studies import small_study

LEVELS = tuple(range(8))


def threshold_session(listener: Listener, kind: Simulated, order_seed: int, seed: int) -> ThresholdEstimate:
    """Answer a whole session through the pages, from its first question on; returns the estimate.

    Args:
        listener: at the first question.
        kind: what the listener hears.
        order_seed: of the session.
        seed: of the answers.
    """
    window = listener.window
    study, rng = window.study, np.random.default_rng(seed)
    order, method = draw_order(study, order_seed), method_named(study.design.method)

    def answer(page: TrialPage, trial: Trial) -> None:
        assert window.session is not None
        asked = method.following(study.design, order, window.session.answers)
        assert asked is not None and (asked.question.phase == TRAINING) == trial.training
        listener.play_all(trial)
        choice = kind.answer(study.design, method, asked, 0.0, rng).choice
        listener.press(Qt.Key.Key_Left if choice == "A" else Qt.Key.Key_Right, Qt.Key.Key_Return)

    listener.run(answer)
    assert window.session is not None and window.session.complete
    return threshold_of(by_listener([read_result(window.session.path)])[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listeners", type=int, default=40, help="with a threshold, and as many guessers")
    count = parser.parse_args().listeners
    application = prepared_application()
    bot = SimpleNamespace(addWidget=lambda window: None, waitExposed=lambda window: nullcontext())
    near, covered, none = 0, 0, 0
    for number in range(2 * count):
        threshold = np.random.default_rng([number, 7]).uniform(1.0, 6.5)
        kind = Simulated(GUESS) if number % 2 else Simulated("threshold", float(threshold))
        with tempfile.TemporaryDirectory() as folder:
            study = small_study(Path(folder), THRESHOLD, levels=LEVELS)
            window, speaker = open_window(study, Path(folder) / "results", bot, number)
            while not window.isActiveWindow():
                application.processEvents()
            listener = Listener(window, speaker)
            listener.reach_the_first_question()
            found = threshold_session(listener, kind, number, number)
            window.close()
        if kind.threshold is None:
            none += found.hears_none
        else:
            near += abs(found.median - kind.threshold) <= 1
            covered += found.low <= kind.threshold <= found.high
    print(f"{near} of {count} thresholds within one level, {covered} of {count} intervals hold the true threshold,")
    print(f"{none} of {count} guessers end at 'hears no difference'")


if __name__ == "__main__":
    main()
