"""The lists of devices: long names that differ at their end only can be told apart."""

from __future__ import annotations

from dataclasses import replace

from PyQt6.QtCore import Qt

from app.engine.events import DevicesChanged
from app.ui.settings import Preferences
from tests.app.ui.engine_double import DEVICES, READY

NAME = "alsa_output.usb-Audio_Interface_With_A_Long_Name-00.analog-stereo, port {}"


def long_devices(devices):
    return tuple(
        replace(device, name=NAME.format(number), identity=f"{NAME.format(number)}, ALSA")
        for number in (1, 2)
        for device in devices
    )


def test_two_long_names_differ_in_the_smallest_window(make_window, engine):
    devices = long_devices([DEVICES[0], DEVICES[2]])
    window = make_window(Preferences(width=1024, height=640))
    engine.say(READY, DevicesChanged(devices))
    window.tick()
    box, shown = window.transport.output, set()
    for device in devices:
        if device.direction == "output":
            window.transport.show_sound("demo", device.identity)
            shown.add(box.shown)
            assert box.fontMetrics().horizontalAdvance(box.shown) < box.width() and "…" in box.shown
            assert box.toolTip().startswith(device.name)
    assert len(shown) == 2


def test_every_entry_has_its_whole_name_as_tooltip(window):
    box = window.transport.input
    for number in range(box.count()):
        assert box.itemData(number, Qt.ItemDataRole.ToolTipRole) == box.itemText(number)


def test_a_short_name_is_shown_whole(window):
    assert window.transport.input.shown == "Demo mixture"
