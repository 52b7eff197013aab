from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, QPointF, Qt
from PyQt6.QtGui import QWheelEvent
from PyQt6.QtWidgets import QApplication

from app.engine.commands import Rescan, ResetStatistics, SetDevices
from tests.app.ui.engine_double import CONTROLS


def tones(seconds, rate=16_000):
    t = np.arange(int(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * f * t) for f in (300, 700, 1500)]).astype(np.float32)


def click(qtbot, widget):
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("routing", ["mixture", "voice1", "voice2", "both"])
def test_a_click_on_a_routing_sends_it(qtbot, window, engine, routing):
    click(qtbot, window.listen.routing.buttons[routing])
    assert engine.sent == [CONTROLS.changed(routing=routing)] and window.listen.routing.value == routing


def test_a_click_on_the_present_routing_sends_nothing(qtbot, window, engine):
    click(qtbot, window.listen.routing.buttons["split"])
    assert engine.sent == [] and window.listen.routing.value == "split"


def test_a_click_on_a_views_name_listens_to_it(qtbot, window, engine):
    click(qtbot, window.tracks.gutters[2])
    assert engine.sent == [CONTROLS.changed(routing="voice2")] and window.listen.routing.value == "voice2"


@pytest.mark.parametrize("level", [0, 2, 5])
def test_a_click_beside_a_tick_chooses_its_level(qtbot, window, engine, level):
    window.level.slider.setValue(1)
    engine.sent.clear()
    spot = window.level.slider.tick_position(level).toPoint() + QPoint(4, 0)
    qtbot.mouseClick(window.level.slider, Qt.MouseButton.LeftButton, pos=spot)
    assert engine.sent == [CONTROLS.changed(level=level)]


def test_dragging_the_slider_sends_each_level_once(qtbot, window, engine):
    slider = window.level.slider
    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=slider.tick_position(0).toPoint())
    for level in (1, 2):
        qtbot.mouseMove(slider, slider.tick_position(level).toPoint())
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton)
    assert engine.sent == [CONTROLS.changed(level=1), CONTROLS.changed(level=2)]


def test_the_wheel_moves_the_slider_by_one_level(window, engine):
    slider = window.level.slider
    centre = QPointF(slider.rect().center())
    event = QWheelEvent(
        centre,
        slider.mapToGlobal(centre),
        QPoint(),
        QPoint(0, -120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    slider.setValue(3)
    engine.sent.clear()
    QApplication.sendEvent(slider, event)
    assert engine.sent == [CONTROLS.changed(level=2)]


def test_a_point_of_the_pareto_plot_chooses_its_level(window, engine):
    points = window.level.pareto._points
    points.sigClicked.emit(points, points.points()[4:5], None)
    assert engine.sent == [CONTROLS.changed(level=4)]


@pytest.mark.parametrize(
    ("button", "command"),
    [
        ("play", CONTROLS.changed(paused=True)),
        ("bypass", CONTROLS.changed(bypass=True)),
        ("loop", CONTROLS.changed(loop=False)),
        ("rescan", Rescan()),
    ],
)
def test_a_click_in_the_top_bar_sends_its_command(qtbot, window, engine, button, command):
    click(qtbot, getattr(window.transport, button))
    assert engine.sent == [command]


def test_choosing_an_input_keeps_the_output(window, engine):
    choice = window.transport.input
    choice.setCurrentIndex(choice.findData("USB microphone, ALSA"))
    choice.activated.emit(choice.currentIndex())
    assert engine.sent == [SetDevices("USB microphone, ALSA", "none")]


def test_choosing_an_output_keeps_the_input(window, engine):
    choice = window.transport.output
    choice.setCurrentIndex(choice.findData("Speakers, ALSA"))
    choice.activated.emit(choice.currentIndex())
    assert engine.sent == [SetDevices("demo", "Speakers, ALSA")]


def test_opening_a_file_makes_it_the_input(window, engine, monkeypatch):
    monkeypatch.setattr("app.ui.transport.QFileDialog.getOpenFileName", lambda *_: ("/music/talk.flac", ""))
    choice = window.transport.input
    choice.setCurrentIndex(choice.count() - 1)
    choice.activated.emit(choice.currentIndex())
    assert engine.sent == [SetDevices("/music/talk.flac", "none")]


def test_the_gain_slider_sends_decibels_and_a_double_click_resets_it(qtbot, window, engine):
    window.listen.gain.setValue(6)
    qtbot.mouseDClick(window.listen.gain, Qt.MouseButton.LeftButton)
    assert engine.sent == [CONTROLS.changed(gain_db=6.0), CONTROLS]


def test_the_reset_button_clears_statistics_on_both_sides(qtbot, window, engine):
    engine.run(tones(1))
    window.tick()
    window.data.update_statistics()
    click(qtbot, window.latency.reset)
    assert engine.sent == [ResetStatistics()] and window.data.statistics.session().chunks == 0


def test_a_sweep_steps_to_the_lightest_level_and_back(qtbot, window, engine):
    window.level.slider.setValue(4)
    engine.sent.clear()
    click(qtbot, window.level.sweep)
    for _ in range(3):
        window.level._sweep_timer.timeout.emit()
    assert engine.sent == [CONTROLS.changed(level=level) for level in (5, 4, 3)]


def test_every_change_sends_all_controls(window, engine):
    for name, value in (("mute", True), ("gain_db", -3.0), ("bypass", True)):
        window.controller.change(name, value)
    assert engine.sent[-1] == CONTROLS.changed(mute=True, gain_db=-3.0, bypass=True)


def test_a_change_shows_at_every_panel(window):
    for name, value in (("mute", True), ("gain_db", -3.0), ("bypass", True), ("loop", False), ("fallback", True)):
        window.controller.change(name, value)
    assert window.listen.mute.isChecked() and window.listen.gain.value() == -3
    assert window.transport.bypass.isChecked() and not window.transport.loop.isChecked()
    assert window.level.fallback.isChecked()


def test_the_controls_of_the_start_are_shown_at_once(make_window, engine):
    engine.settings = replace(engine.settings, controls=CONTROLS.changed(gain_db=-6.0, routing="both", loop=False))
    window = make_window()
    assert (window.listen.gain.value(), window.listen.routing.value) == (-6, "both")
    assert not window.transport.loop.isChecked() and engine.sent == []
