import pytest

from app.engine.stages import Stage
from app.ui.latency_bar import LatencyBar
from app.ui.theme import LIGHT

STAGES = [
    Stage(name, ms, f"why {name}")
    for name, ms in (
        ("device in", 10.0),
        ("chunk", 8.0),
        ("algorithmic", 8.0),
        ("resamplers", 3.0),
        ("queue", 0.5),
        ("compute", 2.0),
        ("cushion", 8.0),
        ("device out", 12.0),
    )
]


def test_the_bar_adds_up_and_explains_each_stage(qtbot):
    bar = LatencyBar()
    qtbot.addWidget(bar)
    bar.show_stages(STAGES)
    assert bar.total_ms == pytest.approx(51.5)
    assert all(stage.name in bar.toolTip() and stage.why in bar.toolTip() for stage in STAGES)


def test_every_stage_has_a_colour(qtbot):
    bar = LatencyBar()
    qtbot.addWidget(bar)
    bar.set_theme(LIGHT)
    bar.resize(900, 40)
    bar.show_stages(STAGES)
    assert not bar.grab().isNull()  # a stage without a colour is a KeyError


@pytest.mark.parametrize("width", [120, 400, 900])
def test_the_legend_fits_and_keeps_compute_to_the_last(qtbot, width):
    bar = LatencyBar()
    qtbot.addWidget(bar)
    bar.show_stages(STAGES)
    words, widths = bar._legend(width)
    assert "compute" in [name for name, _ in words] and (sum(widths) <= width or len(words) == 1)
