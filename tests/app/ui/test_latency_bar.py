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


def shown_bar(qtbot, width, stages=STAGES):
    bar = LatencyBar()
    qtbot.addWidget(bar)
    bar.resize(width, 60)
    bar.show_stages(stages)
    return bar


def figures(bar):
    """The parts in the legend and their figures."""
    words = [word.rpartition(" ") for line in bar.legend() for word, _ in line]
    return {name: float(figure) for name, _, figure in words}


@pytest.mark.parametrize("width", [240, 400, 900])
def test_the_legend_fits_and_keeps_compute_to_the_last(qtbot, width):
    bar = shown_bar(qtbot, width)
    first, *more = [sum(room for _, room in line) for line in bar.legend()]
    assert "compute" in figures(bar) and len(more) <= 1
    assert first <= width - bar.fontMetrics().horizontalAdvance(bar.total_text) and max(more, default=0) <= width


@pytest.mark.parametrize("width", [240, 400, 900, 2000])
@pytest.mark.parametrize("measured", [(8.0, 8.0, 0.24, 0.34, 0.04), (10.44, 8.0, 8.0, 3.04, 0.26, 0.44, 4.44, 12.3)])
def test_the_figures_of_the_legend_add_up_to_the_sum(qtbot, width, measured):
    names = [stage.name for stage in STAGES]
    names = names if len(measured) == len(names) else ["chunk", "algorithmic", "queue", "compute", "cushion"]
    bar = shown_bar(qtbot, width, [Stage(name, ms, "") for name, ms in zip(names, measured, strict=True)])
    assert sum(figures(bar).values()) == pytest.approx(float(bar.total_text.split()[0]), abs=1e-6)
    assert 0.0 not in figures(bar).values()


def test_parts_without_room_are_added_up_as_others(qtbot):
    assert "others" not in figures(shown_bar(qtbot, 2000))
    bar = shown_bar(qtbot, 300)
    assert figures(bar)["others"] > 0 and len(figures(bar)) < len(STAGES)


def test_at_one_width_the_legend_never_loses_a_line(qtbot):
    bar = shown_bar(qtbot, 420)
    high = bar.sizeHint().height()
    bar.show_stages(STAGES[1:3])
    assert len(bar.legend()) == 1 and bar.sizeHint().height() == high
    bar.resize(900, 60)
    bar.grab()
    assert bar.sizeHint().height() < high
