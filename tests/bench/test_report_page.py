"""The page of a report: self-contained, small, readable without its pictures."""

from __future__ import annotations

import re

import pytest

from sepprune.bench.latency import LatencyReport, ReportSettings, without_raw
from sepprune.bench.report_page import report_page
from tests.bench.pages import Page, embedded
from tests.bench.virtual import synthetic_report

BACKENDS = [("openvino", "fp32"), ("openvino", "int8"), ("onnxruntime", "fp32"), ("torch", "fp32")]


@pytest.fixture(scope="module")
def report() -> LatencyReport:
    settings = ReportSettings(list(range(8)), [4.0, 8.0, 16.0], BACKENDS, seconds=0.6, soak_s=8)
    return synthetic_report(lambda random, one, chunk_ms, time: random.lognormal(0, 0.3), settings)


@pytest.fixture(scope="module")
def page(report: LatencyReport) -> str:
    return report_page(report)


def test_the_verdict_comes_before_everything_else(page: str, report: LatencyReport) -> None:
    body = page[page.index("<body>") :]
    assert body.index(report["verdict"].split(".")[0]) < body.index("<figure>") < body.index("<table")


def test_a_full_report_stays_under_one_megabyte(page: str) -> None:
    assert len(page.encode()) < 1_000_000


def test_the_page_requests_nothing(page: str) -> None:
    assert Page(page).links == ["data:,"]
    assert not re.search(r"url\(|@import|https?:", page)


def test_every_plot_has_a_name_and_a_text(page: str) -> None:
    parsed = Page(page)
    assert len(parsed.pictures) == parsed.captions == 6 and all(parsed.pictures)


def test_the_data_of_the_report_is_embedded_without_raw_times(page: str, report: LatencyReport) -> None:
    assert embedded(page) == without_raw(report)


def test_the_page_has_colours_for_light_dark_and_print(page: str) -> None:
    assert "color-scheme: light dark" in page and "prefers-color-scheme: dark" in page and "@media print" in page


def test_no_name_can_end_the_data_or_add_an_element(report: LatencyReport) -> None:
    page = report_page({**report, "ladder": "</script><script>alert(1)</script>"})
    assert "<script>" not in page and Page(page).links == ["data:,"]


def test_one_miss_and_one_process_are_not_called_several(report: LatencyReport) -> None:
    shown = report_page({**report, "rows": [{**row, "misses": 1} for row in report["rows"]], "busy_processes": 1})
    assert ", 1 miss in " in shown and "1 misses" not in shown and "1 process of normal priority" in shown


def test_a_missing_fact_shows_its_reason(page: str, report: LatencyReport) -> None:
    missing = {**report["machine"], "temperature": {"value": None, "unit": "°C", "why_missing": "needs root"}}
    assert "<td>temperature</td><td>not known: needs root</td>" in report_page({**report, "machine": missing})


def test_a_report_of_an_interrupted_run_without_rows_is_a_page(report: LatencyReport) -> None:
    assert Page(report_page({**report, "rows": [], "interrupted": True})).pictures == []
