import pytest

from app.ui.theme import LIGHT
from app.ui.views.axes import Gutter, TimeAxis
from app.ui.views.spectrogram import frequency_position

HERTZ = (500, 1000, 2000, 4000, 8000)


@pytest.fixture
def gutter(qtbot):
    gutter = Gutter("Mixture")
    qtbot.addWidget(gutter)
    gutter.set_colour(LIGHT, LIGHT.mixture)
    gutter.set_ticks([(frequency_position(hertz, 16_000), f"{hertz / 1000:g} kHz") for hertz in HERTZ])
    return gutter


@pytest.mark.parametrize("lines", [3, 4, 5, 6, 9])
def test_the_ends_of_an_axis_are_labelled_first_and_labels_do_not_touch(gutter, lines):
    line = gutter.fontMetrics().height()
    gutter.resize(gutter.width(), lines * line)
    placed = sorted(gutter.placed(0))
    assert (placed[0][1], placed[-1][1]) == ("8 kHz", "0.5 kHz")
    assert all(below - above > 0.9 * line for (above, _), (below, _) in zip(placed, placed[1:], strict=False))


def test_a_label_beside_a_long_name_is_left_out_and_another_takes_its_place(gutter):
    gutter.resize(gutter.width(), 9 * gutter.fontMetrics().height())
    labels = [label for _, label in gutter.placed(gutter.width())]
    assert "8 kHz" not in labels and "4 kHz" in labels


def test_an_axis_of_one_label_and_of_none(gutter):
    gutter.set_ticks([(0.0, "0")])
    assert [label for _, label in gutter.placed(0)] == ["0"]
    gutter.set_ticks([])
    assert gutter.placed(0) == []


def test_the_time_axis_ends_in_now_only_while_sound_runs(qtbot):
    axis = TimeAxis(100)
    qtbot.addWidget(axis)
    axis.resize(300, 20)
    live = axis.grab().toImage()
    axis.set_live(False)
    assert axis.last == "end" and axis.grab().toImage() != live
    axis.set_live(True)
    assert axis.last == "now" and axis.grab().toImage() == live
