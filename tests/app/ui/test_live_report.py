"""The report of the window: what a session without a window reports too, at any time."""

import json

import numpy as np
import pytest

from app.engine.events import Notice, RoundTrip
from app.ui.live_report import LiveReport
from sepprune.errors import UserError


def test_a_report_holds_times_facts_notices_and_the_round_trip(window, engine):
    engine.run(np.zeros((3, 1280)))
    engine.say(Notice("one sentence"), RoundTrip(50.0, 58.0, 1.0, "round trip 50 ms"))
    window.tick()
    report = window.live_report.report()
    assert json.loads(json.dumps(report, allow_nan=False)) == report
    assert report["notices"] == ["one sentence"] and report["round_trip_ms"] == 50.0
    assert report["levels"][0]["chunks"] == 10
    assert all(fact["value"] is not None or fact["why_missing"] for fact in report["machine"].values())


def test_before_the_engine_is_ready_there_is_nothing_to_report(make_window):
    window = make_window()
    with pytest.raises(UserError, match="never ready"):
        LiveReport(window.link, window.data).report()
