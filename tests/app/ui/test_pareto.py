import pytest
from PyQt6.QtGui import QFontMetrics

from app.ui.pareto import ParetoPlot
from app.ui.theme import LIGHT
from tests.app.ui.engine_double import LADDER


@pytest.mark.parametrize("points", [9.5, 13.3])
def test_the_title_of_the_vertical_axis_is_as_long_as_the_axis_allows(qtbot, points):
    plot = ParetoPlot()
    qtbot.addWidget(plot)
    plot.set_theme(LIGHT.with_points(points))
    plot.set_levels(LADDER)
    plot.show()
    titles = {}
    for height in (96, 110, 400):
        plot.resize(300, height)
        title = plot.getAxis("left").labelText
        room = plot.height() - plot.getAxis("bottom").height()
        assert QFontMetrics(plot.getAxis("left").label.font()).horizontalAdvance(title) <= room
        titles[height] = title
    assert titles[400] == "SI-SDRi clean, dB" and titles[96] in ("SI-SDRi, dB", "dB")
    assert "(clean)" in plot.toolTip()  # where the title has no room for it
