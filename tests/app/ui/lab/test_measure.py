"""Measuring this computer from the window: the live sound stops, progress, cancel, verdict, and the sound starts."""

import argparse
import json

import pytest
from PyQt6.QtCore import Qt

from app.engine.events import Recording
from app.ui.engine_link import LOADING, STOPPED
from app.ui.lab.lab import STOPPED_FOR_MEASUREMENT
from app.ui.lab.measurement import Plan
from sepprune.commands.bench import add_arguments
from tests.app.ui.lab.conftest import measuring

#: for whatever the measurement does: the machine may be busy
PATIENCE_MS = 600_000


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def finish(qtbot, lab):
    qtbot.waitUntil(lambda: not lab.measurement.running, timeout=PATIENCE_MS)


def test_the_live_sound_stops_with_a_sentence_and_starts_again(qtbot, window, engine, lab):
    measuring(lab)
    click(qtbot, lab.window.measure.start)
    assert (window.link.state, window.banner.sentence.text()) == (STOPPED, STOPPED_FOR_MEASUREMENT)
    assert not engine.alive and not window.isEnabled() and not window.banner.restart.isVisible()
    finish(qtbot, lab)
    assert engine.alive and window.isEnabled() and window.link.state == LOADING and window.banner.isHidden()


def test_the_end_shows_verdict_warnings_and_the_way_to_the_page(qtbot, lab, reports):
    measuring(lab)
    click(qtbot, lab.window.measure.start)
    finish(qtbot, lab)
    card = lab.window.measure
    assert (card.verdict.text(), card.warnings.text()) == ("It runs.", "• It was warm.")
    assert card.open_report.isVisible() and card._page.read_text() == "page"
    assert card._page.parent.parent == reports


@pytest.mark.parametrize(("kind", "option"), [("quick", ["--quick"]), ("full", ["--soak", "5"])])
def test_kind_and_load_reach_the_command(qtbot, lab, reports, kind, option):
    measuring(lab)
    click(qtbot, lab.window.measure.kind.buttons[kind])
    lab.window.measure.busy.setChecked(True)
    click(qtbot, lab.window.measure.start)
    finish(qtbot, lab)
    [report] = reports.rglob("report.json")
    assert json.loads(report.read_text())["got"][-len(option) - 2 :] == [*option, "--load", "2"]


def test_progress_is_shown_while_it_runs_and_cancel_writes_nothing(qtbot, window, engine, lab, reports):
    measuring(lab, wait=True)
    click(qtbot, lab.window.measure.start)
    card = lab.window.measure
    qtbot.waitUntil(lambda: card.progress.value() == 500, timeout=PATIENCE_MS)
    assert card.state.text().startswith("0:30 of 1:00") and not card.start.isVisible()
    click(qtbot, card.cancel)
    assert "cancelled" in card.state.text() and card.start.isVisible() and not lab.measurement.running
    assert engine.alive and list(reports.iterdir()) == []


def test_a_failure_is_its_sentence_and_the_sound_starts_again(qtbot, engine, lab):
    measuring(lab, fail=True)
    click(qtbot, lab.window.measure.start)
    finish(qtbot, lab)
    assert "the disk is full" in lab.window.measure.state.text() and engine.alive


def test_a_program_that_cannot_start_is_a_sentence(qtbot, lab, engine):
    lab.measurement._program = ("/nowhere/python",)
    click(qtbot, lab.window.measure.start)
    qtbot.waitUntil(lambda: "cannot be started" in lab.window.measure.state.text(), timeout=PATIENCE_MS)
    assert engine.alive and lab.window.measure.start.isVisible()


def test_a_recording_is_not_ended_by_a_measurement(qtbot, window, engine, lab):
    engine.say(Recording("/somewhere"))
    window.tick()
    click(qtbot, lab.window.measure.start)
    assert engine.alive and not lab.measurement.running and "stop it first" in lab.window.measure.state.text()


def test_closing_the_window_ends_a_measurement(qtbot, window, lab):
    measuring(lab, wait=True)
    click(qtbot, lab.window.measure.start)
    window.close()
    assert not lab.measurement.running and not lab.window.isVisible()


def test_the_command_of_a_plan_is_one_that_sepprune_takes(tmp_path):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parsed = parser.parse_args(Plan(tmp_path, quick=False, load=2, ladder="somewhere").arguments()[3:])
    found = (parsed.ladder, parsed.report, parsed.soak, parsed.load, parsed.progress)
    assert found == ("somewhere", str(tmp_path), 5.0, 2, True)
