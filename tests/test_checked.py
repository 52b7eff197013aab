from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepprune.checked import Table, is_inside, parse_json, read_limited, shown
from sepprune.errors import UserError


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": Infinity}',
        b'{"a": NaN}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff",
        b"3",
    ],
    ids=["lists", "objects", "infinity", "nan", "digits", "no utf-8", "number"],
)
def test_what_is_no_json_object_is_one_sentence(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^file .*: get it again") as error:
        parse_json(content, "file", "get it again")
    assert "\n" not in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize("text", ["\n", "two\nlines", "\ud800", "\x00", "x" * 501, 3, None])
def test_text_is_one_line_that_can_be_printed_and_encoded(text: Any) -> None:
    with pytest.raises(UserError, match="expected a line of text of at most 500 characters") as error:
        Table({"key": text}, "file", "get it again").text("key", 500)
    assert str(error.value).isprintable()


@pytest.mark.parametrize("value", [0, 1, "true", None, []])
def test_a_flag_is_true_or_false(value: Any) -> None:
    assert Table({"key": True}, "file", "get it again").flag("key") is True
    with pytest.raises(UserError, match="expected true or false"):
        Table({"key": value}, "file", "get it again").flag("key")


#: without subnormal ones: a backend that ran in this process may have told it to flush them to zero
NUMBERS = st.floats(allow_subnormal=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
TAKE: list[Callable[[Table], Any]] = [
    lambda table: table.integer("key", 0, 9),
    lambda table: table.number("key", 0, 9),
    lambda table: table.text("key"),
    lambda table: table.file_name("key"),
    lambda table: table.table("key"),
    lambda table: table.tables("key", 3),
    lambda table: table.integers("key", 0, 9, 3),
]


@given(value=JSON, take=st.sampled_from(TAKE))
def test_any_value_is_taken_or_refused_in_one_short_sentence(value: object, take: Callable[[Table], Any]) -> None:
    try:
        take(Table({"key": value}, "file", "get it again"))
    except UserError as error:
        assert "'key'" in str(error) and str(error).endswith("get it again") and len(str(error)) < 300


@pytest.mark.parametrize("value", [True, 10, -1, 2.0, 10**400, "5", None])
def test_what_is_no_whole_number_in_the_range_is_refused(value: object) -> None:
    with pytest.raises(UserError, match="expected a whole number from 0 to 9"):
        Table({"key": value}, "file", "").integer("key", 0, 9)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, True, "5"])
def test_what_is_no_finite_number_is_refused(value: object) -> None:
    with pytest.raises(UserError, match="expected a number"):
        Table({"key": value}, "file", "").number("key")


@given(st.text())
def test_a_path_that_is_inside_cannot_leave_its_folder(path: str) -> None:
    if is_inside(path):
        assert os.path.normpath(os.path.join("/folder", path)).startswith("/folder/")


def test_a_large_sparse_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as file:
        file.truncate(10 * 2**30)
    with pytest.raises(UserError, match="10737 MB, expected at most 1 MB"):
        read_limited(tmp_path / "large", 10**6, "get it again")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="is no file"):
        read_limited(tmp_path / "pipe", 10**6, "get it again")


@pytest.mark.parametrize("name", ["n" * 300, "n" * 5000, "a\0b", "missing"])
def test_a_name_that_no_file_can_have_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_limited(tmp_path / name, 10**6, "get it again")


@given(JSON)
def test_a_value_is_shown_in_one_short_line(value: object) -> None:
    assert len(shown(value)) <= 65 and "\n" not in shown(value)
