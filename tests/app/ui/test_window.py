from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QSize, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetrics, QPalette
from PyQt6.QtWidgets import QAbstractButton, QComboBox, QLabel, QSlider, QSpinBox

from app.engine.events import LevelChanged
from app.ui.display import fitting_size
from app.ui.engine_link import STOPPED
from app.ui.level_panel import LevelPanel
from app.ui.settings import Preferences
from tests.app.ui.engine_double import DEVICES, LADDER, READY


def tones(seconds, rate=16_000):
    t = np.arange(int(seconds * rate)) / rate
    return np.stack([0.3 * np.sin(2 * np.pi * f * t) for f in (300, 700, 1500)]).astype(np.float32)


def test_the_theme_follows_the_system_while_it_runs(qtbot, qapp, window):
    before = window.theme.dark
    ground = "#f0f0f0" if before else "#202020"
    qapp.setPalette(QPalette(QColor(ground), QColor(ground)))
    qtbot.waitUntil(lambda: window.theme.dark != before)


@pytest.mark.parametrize("size", [(1024, 640), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize("presentation", [False, True])
def test_everything_fits_into_the_window(qtbot, make_window, engine, size, presentation):
    window = make_window(Preferences(width=size[0], height=size[1], presentation=presentation))
    engine.say(READY)
    window.tick()
    engine.run(tones(1))
    window.tick()
    window.level.slider.setValue(4)
    window.data.update_statistics()
    window.controller.refresh_text()

    def cut():
        return [
            label.text()
            for panel in (window.level, window.listen, window.latency)
            for label in panel.findChildren(QLabel)
            if label.isVisible() and label.sizeHint().width() > label.width() + 1
        ]

    qtbot.waitUntil(lambda: cut() == [])
    assert (window.width(), window.height()) == size


@pytest.mark.parametrize("presentation", [False, True])
def test_a_button_has_room_for_its_text_when_it_is_checked(make_window, presentation):
    window = make_window(Preferences(presentation=presentation))
    narrow = []
    for button in (window.transport.bypass, window.level.sweep, window.level.fallback):
        button.setChecked(True)
        font = QFont(button.font())
        font.setBold(True)
        if button.isVisible() and QFontMetrics(font).horizontalAdvance(button.text()) + 20 > button.width():
            narrow.append(button.text())
    assert narrow == []


def test_resizing_keeps_recent_sound(qtbot, window, engine):
    engine.run(tones(4))
    window.tick()
    window.resize(1024, 640)
    qtbot.waitUntil(lambda: window.tracks.canvases[0].ring.filled > 300)


def test_nothing_is_painted_while_hidden(window, engine):
    window.hide()
    engine.run(tones(1))
    window.tick()
    assert window.tracks.canvases[0].ring.filled == 0 and len(window.latency.strip.frames) == 0


def test_statistics_continue_while_hidden(window, engine):
    window.hide()
    engine.run(tones(1))
    window.tick()
    window.data.update_statistics()
    assert window.data.statistics.session().chunks == 125


def controls(window):
    kinds = (QAbstractButton, QComboBox, QSlider, QSpinBox)
    return [control for kind in kinds for control in window.findChildren(kind) if control.isVisible()]


def test_every_control_has_an_accessible_name(window):
    nameless = [
        control for control in controls(window) if not (control.accessibleName() or getattr(control, "text", str)())
    ]
    assert nameless == []


def test_every_control_explains_itself(window):
    silent = [control.accessibleName() for control in controls(window) if not control.toolTip()]
    assert silent == []


def tab_order(window):
    """Every control that Tab reaches, in its order, from the input on."""
    order, widget = [], window.transport.input
    while widget not in order:
        order.append(widget)
        widget = widget.nextInFocusChain()
        while not (widget.isVisible() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus):
            widget = widget.nextInFocusChain()
    return order


def test_tab_reaches_every_control(window):
    reached = tab_order(window)
    inside = {window.level.sweep_seconds.lineEdit()}
    assert [control for control in controls(window) if control not in reached and control not in inside] == []


def test_tab_goes_through_the_top_bar_then_sound_then_level(window):
    order = [
        widget
        for widget in tab_order(window)
        if widget
        in (
            window.transport.input,
            window.transport.play,
            window.transport.record,
            window.transport.help,
            window.listen.routing.buttons["split"],
            window.listen.gain,
            window.listen.mute,
            window.level.slider,
            window.level.sweep,
            window.level.fallback,
        )
    ]
    assert order == [
        window.transport.input,
        window.transport.play,
        window.transport.record,
        window.transport.help,
        window.listen.routing.buttons["split"],
        window.listen.gain,
        window.listen.mute,
        window.level.slider,
        window.level.sweep,
        window.level.fallback,
    ]


def test_preferences_describe_the_window(window):
    window.controller.change("routing", "voice2")
    window.level.slider.setValue(3)
    window.set_view("waveform")
    remembered = window.preferences()
    assert (remembered.controls.routing, remembered.controls.level, remembered.view) == ("voice2", 3, "waveform")
    assert (remembered.width, remembered.height) == (1280, 720)


def test_closing_the_window_ends_the_engine(window, engine):
    window.close()
    assert not engine.alive and window.link.state == STOPPED


def test_every_input_device_is_offered(window):
    offered = {window.transport.input.itemData(k) for k in range(window.transport.input.count())}
    assert {device.identity for device in DEVICES if device.direction == "input"} < offered


def test_a_quiet_input_shows_its_voices_and_a_hint(window):
    quiet = 10 ** (-46 / 20) * np.ones((3, 160), np.float32)
    quiet[1:] *= 10 ** (-16 / 20)
    for _ in range(100):
        window.tracks.feed(quiet, 0.03)
    window.tracks.refresh_text()
    assert [gutter.caption for gutter in window.tracks.gutters] == ["−46 dB", "−62 dB", "−62 dB"]
    assert [canvas.warning for canvas in window.tracks.canvases] == ["Too quiet", "", ""]
    assert "If it is a microphone, raise its level" in window.tracks.canvases[0].toolTip()


def test_the_hint_stands_beside_the_meter_and_ends_with_another_input(window, engine):
    engine.run(np.ones((3, 1600), np.float32))
    window.tick()
    canvas = window.tracks.canvases[0]
    corner = canvas.grab().toImage().copy(canvas.width() - 90, 4, 84, 24)
    colours = {corner.pixelColor(x, y).name() for x in range(corner.width()) for y in range(corner.height())}
    assert canvas.warning == "Clipped" and window.theme.miss in colours
    engine.say(READY)
    window.tick()
    engine.run(np.full((3, 1600), 0.1, np.float32))
    window.tick()
    assert canvas.warning == ""


def test_a_pause_is_no_quiet_input(window, engine):
    engine.run(np.full((3, 1600), 0.1, np.float32))
    window.tick()
    for _ in range(60):
        window.tracks.feed(np.zeros((3, 0), np.float32), 1.0)
    assert window.tracks.canvases[0].warning == ""


@pytest.mark.parametrize("size", [(1024, 640), (1280, 720), (1920, 1080)])
def test_type_of_the_presentation_mode_grows_with_the_window(make_window, size):
    window = make_window(Preferences(width=size[0], height=size[1]))
    normal = window.theme.points
    window.set_presentation(True)
    assert window.theme.points / normal == pytest.approx({640: 1.4, 720: 1.4, 1080: 2.1}[size[1]], abs=0.06)


def test_the_latency_lab_does_not_grow_with_a_presentation(make_window):
    window = make_window(Preferences(width=1920, height=1080))
    window.lab.open()
    before = window.lab.window.font().pointSizeF()
    window.set_presentation(True)
    assert window.lab.window.font().pointSizeF() == pytest.approx(before)


def test_a_presentation_that_is_resized_gets_larger_type(qtbot, make_window):
    window = make_window(Preferences(width=1024, height=640, presentation=True))
    before = window.theme.points
    window.resize(2560, 1440)
    qtbot.waitUntil(lambda: window.theme.points > 1.9 * before)
    assert window.font().pointSizeF() == pytest.approx(window.theme.points)


class Screen:
    """A screen whose panels leave this room."""

    def __init__(self, width: int, height: int) -> None:
        self._size = QSize(width, height)

    def availableSize(self) -> QSize:
        return self._size


@pytest.mark.parametrize(
    ("screen", "fitting"),
    [((1280, 700), (1280, 660)), ((1920, 1040), (1280, 720)), ((1100, 720), (1100, 680)), ((800, 600), (1280, 720))],
)
def test_the_first_window_is_not_larger_than_the_screen(screen, fitting):
    first = Preferences()
    size = fitting_size(first.width, first.height, Screen(*screen))
    assert (size.width(), size.height()) == fitting


def test_at_its_smallest_size_the_demo_is_named_whole(make_window):
    assert make_window(Preferences(width=1024, height=640)).transport.input.shown == "Demo mixture"


def test_the_stored_ladder_fills_the_level_card_until_the_engine_has_loaded_it(make_window, engine):
    window = make_window()
    window.level.preview(LADDER, 2)
    texts = [label.text() for label in window.level.findChildren(QLabel) if label.isVisible()]
    assert "level 2 of 5" in texts and "SI-SDRi, clean" in texts and not window.level.isEnabled()
    window.controller.choose_level(1)
    assert engine.sent == [] and window.level.slider.value() == 2
    engine.say(READY)
    window.tick()
    assert window.level.isEnabled()


def test_in_presentation_mode_the_facts_leave_room_for_the_plot(make_window, engine):
    many = {name: 5.0 for name in ("clean", "noisy", "room", "quiet", "far", "telephone")}
    ladder = tuple(replace(level, si_sdri=many) for level in LADDER)
    window = make_window(Preferences(width=1024, height=640, presentation=True))
    engine.say(replace(READY, ladder=ladder), LevelChanged(1, 0, 12.0))
    window.tick()

    def rows():
        texts = [label.text() for label in window.level.findChildren(QLabel) if label.isVisible()]
        return [text for text in texts if text.startswith("SI-SDRi")], "Switched in" in texts

    assert rows() == ([f"SI-SDRi, {name}" for name in ("clean", "noisy", "room")], True)
    window.set_presentation(False)
    assert rows() == ([f"SI-SDRi, {name}" for name in many], True)


def test_before_the_ladder_is_loaded_the_level_card_says_what_will_be_there(qtbot):
    panel = LevelPanel()
    qtbot.addWidget(panel)
    panel.show()
    assert any("as soon as the ladder is loaded" in label.text() for label in panel.findChildren(QLabel))
