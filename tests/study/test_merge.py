from __future__ import annotations

import csv
import json
import re
import resource
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.study.analysis import analyse
from sepprune.study.conclusion import conclusion
from sepprune.study.design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from sepprune.study.exclusions import CONTROL_NOT_HEARD, INCOMPLETE
from sepprune.study.listeners import simulated
from sepprune.study.merge import exclusions, merge, read_results
from sepprune.study.results import Result
from sepprune.study.session import start_session
from sepprune.study.simulate import simulate, simulated_session
from sepprune.study.statistics import binomial
from tests.study.studies import answer_somehow, small_study

METHODS = (ABX, PREFERENCE, MUSHRA, RATING, THRESHOLD)
LEVELS = (0, 2, 4, 6)


def sessions(folder: Path, method: str, listener: str, count: int, first: int = 0, **settings: object) -> list[Result]:
    study = small_study(folder, method, **{"levels": LEVELS, **settings})
    return [simulated_session(study, simulated(listener), (0, 0, first + number))[0] for number in range(count)]


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class Page(HTMLParser):
    """Checks that tags are balanced and collects addresses and plots."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.addresses: list[str] = []
        self.plots = self.captions = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link"):
            self.stack.append(tag)
        self.plots += tag == "svg"
        self.captions += tag == "figcaption"
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("line", "circle")

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag


@pytest.mark.parametrize("method", METHODS)
def test_merging_gives_what_the_contract_names(tmp_path: Path, method: str) -> None:
    report = merge(sessions(tmp_path, method, "threshold=3.5", 7), tmp_path / "out")
    assert {"listeners", "excluded", "trials", "by_level", "conclusion"} <= report.keys()
    assert report["listeners"] + len({one["listener"] for one in report["excluded"]}) == 7
    for one in report["by_level"]:
        assert {"level", "estimate", "interval", "p_adjusted"} <= one.keys()
        assert one["interval"][0] <= one["estimate"] <= one["interval"][1]


@pytest.mark.parametrize("method", METHODS)
def test_the_report_needs_no_network_and_has_text_beside_each_plot(tmp_path: Path, method: str) -> None:
    merge(sessions(tmp_path, method, "threshold=3.5", 7), tmp_path, {level: 0.1 * (8 - level) for level in LEVELS})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.stack == []
    assert page.addresses == ["data:,"] and not re.search(r"https?://|url\(|@import|<script", text)
    assert page.plots == page.captions >= 2
    assert "prefers-color-scheme: dark" in text and "nan" not in text


def test_titles_cannot_inject_markup(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    result = simulated_session(study, simulated("perfect"), (0,))[0]
    object.__setattr__(result, "title", "<script>alert(1)</script>")
    merge([result], tmp_path)
    assert "<script" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_levels_that_are_heard_are_named_and_the_rest_is_not_called_equal_without_a_bound(tmp_path: Path) -> None:
    heard = conclusion(analyse(sessions(tmp_path, ABX, "threshold=5.7", 12, first=100)))
    assert re.match(r"Level 6 can be told from level 0", heard)
    few = conclusion(analyse(sessions(tmp_path, ABX, "threshold=99", 1, trials=5)))
    assert "does not decide" in few and "could not be told" not in few


def test_equality_is_claimed_by_an_upper_bound_and_the_positive_control(tmp_path: Path) -> None:
    results = sessions(tmp_path, ABX, "threshold=99", 12)
    analysis = analyse(results)
    assert all((one.upper_bound or 1) < 0.75 for one in analysis.levels)
    assert "could not be told from level 0" in conclusion(analysis)
    guessers = analyse(sessions(tmp_path, ABX, "guess", 12))
    assert "could not be told" not in conclusion(guessers) or guessers.listeners
    assert len(guessers.excluded) >= 10 and {one.rule for one in guessers.excluded} == {CONTROL_NOT_HEARD}


def test_open_ended_sessions_never_show_equality(tmp_path: Path) -> None:
    analysis = analyse(sessions(tmp_path, ABX, "threshold=99", 8, open_ended=True))
    assert all(one.upper_bound is None for one in analysis.levels)
    assert "could not be told" not in conclusion(analysis)


def test_one_listener_gets_the_exact_binomial_test_and_interval(tmp_path: Path) -> None:
    for one in analyse(sessions(tmp_path, ABX, "threshold=3", 1)).levels:
        right = round(one.estimate * 16)
        assert one.p == pytest.approx(binomial.p_value(right, 16))
        assert one.interval == pytest.approx(binomial.interval(right, 16))


@pytest.mark.parametrize(("listener", "words"), [("guess", "No conclusion"), ("threshold=99", "hear no difference")])
def test_who_hears_nothing_has_no_threshold_among_the_levels(tmp_path: Path, listener: str, words: str) -> None:
    assert words in conclusion(analyse(sessions(tmp_path, THRESHOLD, listener, 5, levels=(0, 1, 2, 3, 4, 5, 6, 7))))


def test_mushra_tables_have_webmushras_and_pymushras_columns(tmp_path: Path) -> None:
    merge(sessions(tmp_path, MUSHRA, "threshold=3", 2), tmp_path)
    web = rows(tmp_path / "mushra.csv")
    assert list(web[0]) == [
        "session_test_id", "session_uuid", "trial_id", "rating_stimulus", "rating_score", "rating_time",
        "rating_comment",
    ]  # fmt: skip
    assert len(web) == 2 * 6 * 7
    assert {"reference", "anchor35", "mixture", "level-0"} <= {row["rating_stimulus"] for row in web}
    assert all(0 <= int(row["rating_score"]) <= 100 for row in web)
    flat = rows(tmp_path / "pymushra.csv")[0].keys()
    assert {"questionaire_uuid", "wm_id", "wm_type", "wm_date", "responses_stimulus", "responses_score"} <= flat


def test_the_questionnaire_becomes_columns_before_the_session(tmp_path: Path) -> None:
    study = small_study(tmp_path, MUSHRA)
    session = start_session(study, tmp_path / "results", "L1", {"age": "30", "gender": ""})
    while (trial := session.trial()) is not None:
        answer_somehow(session, trial)
    merge(read_results([tmp_path / "results"]), tmp_path / "out")
    assert list(rows(tmp_path / "out" / "mushra.csv")[0])[:4] == ["session_test_id", "age", "gender", "session_uuid"]


def test_comparisons_have_webmushras_words(tmp_path: Path) -> None:
    merge(sessions(tmp_path, PREFERENCE, "threshold=3", 2), tmp_path)
    table = rows(tmp_path / "paired_comparison.csv")
    assert {row["choice_reference"] for row in table} == {"level-0"}
    assert {row["choice_answer"] for row in table} <= {"correct", "incorrect", "undecided"}


def test_the_long_table_has_every_attempt_with_training_and_void_ones(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    session = start_session(study, tmp_path / "results", "L1")
    session.void("2 underruns of the output", 2)
    while (trial := session.trial()) is not None:
        answer_somehow(session, trial)
    merge(read_results([session.path]), tmp_path)
    table = rows(tmp_path / "answers.csv")
    assert len(table) == 1 + 43
    assert (table[0]["void"], table[0]["late"], table[0]["value"]) == ("2 underruns of the output", "2", "")
    assert {row["phase"] for row in table} == {"training", "control", "test"}


def test_text_that_a_spreadsheet_would_run_is_quoted(tmp_path: Path) -> None:
    study = small_study(tmp_path, MUSHRA)
    session = start_session(study, tmp_path / "results", "L1", {"age": "=1+1"})
    while (trial := session.trial()) is not None:
        answer_somehow(session, trial)
    merge(read_results([session.path]), tmp_path)
    assert rows(tmp_path / "mushra.csv")[0]["age"] == "'=1+1"


def test_sessions_that_were_not_finished_are_left_out_by_name(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    simulate(study, simulated("perfect"), 2, tmp_path / "results")
    start_session(study, tmp_path / "results", "L9")
    report = merge(read_results([tmp_path / "results"]), tmp_path / "out")
    assert report["listeners"] == 2
    assert report["excluded"] == [{"listener": "L9", "rule": INCOMPLETE}]


def test_a_session_that_comes_twice_counts_once(tmp_path: Path) -> None:
    simulate(small_study(tmp_path, ABX), simulated("perfect"), 2, tmp_path / "results")
    once, twice = read_results([tmp_path / "results"]), read_results([tmp_path / "results"] * 2)
    assert len(once) == len(twice) == 2


def test_the_same_session_with_other_answers_is_refused_instead_of_left_out(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    simulate(study, simulated("perfect"), 1, tmp_path / "results")
    [file] = (tmp_path / "results").iterdir()
    (tmp_path / "other").mkdir()
    *lines, last = file.read_text().splitlines()
    answer = json.loads(last)
    answer["choice"] = "A" if answer["choice"] == "B" else "B"
    (tmp_path / "other" / file.name).write_text("\n".join([*lines, json.dumps(answer)]) + "\n")
    with pytest.raises(UserError, match="with different answers: give one of them"):
        read_results([tmp_path / "results", tmp_path / "other"])


def test_simulated_listeners_of_several_kinds_and_studies_are_never_taken_for_each_other(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    for kind in ("guess", "perfect", "threshold=3.5"):
        simulate(study, simulated(kind), 2, tmp_path / kind)
    together = read_results([tmp_path / "guess", tmp_path / "perfect", tmp_path / "threshold=3.5"])
    assert len({one.listener for one in together}) == len(together) == 6
    simulate(small_study(tmp_path, PREFERENCE), simulated("perfect"), 2, tmp_path / "else")
    with pytest.raises(UserError, match="different studies"):
        merge(read_results([tmp_path / "perfect", tmp_path / "else"]), tmp_path / "out")


def test_results_of_different_studies_are_not_mixed(tmp_path: Path) -> None:
    other = [simulated_session(small_study(tmp_path, PREFERENCE), simulated("perfect"), (1,))[0]]
    with pytest.raises(UserError, match="different studies"):
        merge([*sessions(tmp_path, ABX, "perfect", 1), *other], tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b"[1]\n", b'{"format": "sepprune-study-result", "version": 1}\n', b"x\n"]
)
def test_damaged_results_are_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "session-1.jsonl").write_bytes(content)
    with pytest.raises(UserError):
        read_results([tmp_path / "session-1.jsonl"])


@pytest.mark.parametrize(
    "line", ['{"type":"answer","position":999}', '{"type":"answer","position":0,"scores":{"Z":1}}']
)
def test_answers_that_fit_no_question_are_one_sentence(tmp_path: Path, line: str) -> None:
    session = start_session(small_study(tmp_path, MUSHRA), tmp_path, "L1")
    session.path.write_text(session.path.read_text() + line + "\n")
    with pytest.raises(UserError, match="do not fit"):
        read_results([session.path])


def test_a_folder_without_results_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no session"):
        read_results([tmp_path])


def test_exclusions_are_counted_by_rule() -> None:
    assert exclusions({"listeners": 2, "excluded": []}) == ""
    rules = [{"listener": "A", "rule": INCOMPLETE}, {"listener": "B", "rule": INCOMPLETE}]
    assert exclusions({"listeners": 2, "excluded": rules}) == "2 of 4 listeners excluded: 2 for 'no complete session'"


def test_a_full_disk_is_one_sentence_and_leaves_the_tables_before(tmp_path: Path) -> None:
    results = sessions(tmp_path, ABX, "perfect", 2)
    merge(results, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        with pytest.raises(UserError, match="cannot write .*answers.csv"):
            merge(results, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
