import numpy as np
import pytest

from app.engine.telemetry import FRAME
from app.ui.latency_bar import LatencyBar, stages
from tests.app.ui.engine_double import READY


def frames(count=10):
    rows = np.zeros(count, FRAME)
    rows["t_in"] = np.arange(count)
    rows["t_start"] = rows["t_in"] + 0.0005
    rows["t_done"] = rows["t_start"] + 0.002
    rows["t_out"] = rows["t_done"] + 0.008
    return rows


def test_the_stages_are_the_way_from_microphone_to_loudspeaker():
    found = {stage.name: stage.ms for stage in stages(READY, frames())}
    assert found == pytest.approx(
        {"chunk": 8.0, "algorithmic": 8.0, "queue": 0.5, "compute": 2.0, "cushion": 8.0, "driver": 22.0}
    )


def test_unknown_times_count_as_nothing():
    rows = frames()
    rows["t_out"] = np.nan
    assert {stage.name: stage.ms for stage in stages(READY, rows)}["cushion"] == 0.0


def test_the_bar_adds_up_and_explains_each_stage(qtbot):
    bar = LatencyBar()
    qtbot.addWidget(bar)
    bar.show_stages(stages(READY, frames()))
    assert bar.total_ms == pytest.approx(48.5)
    assert all(name in bar.toolTip() for name in ("chunk", "algorithmic", "queue", "compute", "cushion", "driver"))


@pytest.mark.parametrize("width", [120, 400, 900])
def test_the_legend_fits_and_keeps_compute_to_the_last(qtbot, width):
    bar = LatencyBar()
    qtbot.addWidget(bar)
    bar.show_stages(stages(READY, frames()))
    words, widths = bar._legend(width)
    assert "compute" in [name for name, _ in words] and (sum(widths) <= width or len(words) == 1)
