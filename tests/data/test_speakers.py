"""The list of a set of mixtures: who speaks where."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepprune.data.mixtures import MixtureFiles
from sepprune.data.speakers import Speakers, speakers_of
from sepprune.errors import UserError


def mixtures(folder: Path, *names: str) -> list[MixtureFiles]:
    return [MixtureFiles(name, folder / "mix" / f"{name}.flac", ()) for name in names]


def test_a_list_above_tells_folders_apart_by_their_names(tmp_path: Path) -> None:
    lines = "condition,name,speaker1,speaker2,snr_db", "clean,000,ann,ben,", "room,000,eve,ann,20"
    (tmp_path / "info.csv").write_text("\n".join(lines))
    assert speakers_of(mixtures(tmp_path / "clean", "000")).by_mixture == ({"ann", "ben"},)
    assert speakers_of(mixtures(tmp_path / "room", "000")).by_mixture == ({"eve", "ann"},)


def test_a_list_beside_the_mixtures_needs_no_condition(tmp_path: Path) -> None:
    (tmp_path / "info.csv").write_text("name,speaker1,speaker2\na,ann,ben\nb,ben,eve\n")
    assert speakers_of(mixtures(tmp_path, "b", "a")).by_mixture == ({"ben", "eve"}, {"ann", "ben"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column name and no speaker1 and no speaker2"),
        ("name,seconds\na,3\nb,4\n", "has no column speaker1 and no speaker2"),
        ("name,speaker1\na,ann\nb,ben\n", "has no column speaker2"),
        ("name,speaker1,speaker2\na,ann,ben\n", "does not say who speaks in 1 of the 2 mixtures"),
        ("name,speaker1,speaker2\na,ann,ben\nb\n", "does not say who speaks in 1 of the 2 mixtures"),
    ],
)
def test_a_list_that_lacks_a_mixture_or_its_speakers_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "info.csv").write_text(text)
    found = speakers_of(mixtures(tmp_path, "a", "b"))
    assert found.by_mixture is None and said in str(found.note)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfname,speaker1,speaker2\r\na,ann,ben\r\n",  # as Excel writes UTF-8
        b"name;speaker1;speaker2\na;ann;ben\n",
        b"name,speaker1,speaker2\na.flac,ann,ben\n",
    ],
)
def test_lists_of_spreadsheets_and_names_with_endings_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "info.csv").write_bytes(content)
    assert speakers_of(mixtures(tmp_path, "a")).by_mixture == ({"ann", "ben"},)


@pytest.mark.parametrize("content", [b"\x00\x01\xff", b"name,speaker1,speaker2\na,\x00,ben\n"])
def test_binary_content_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "info.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"info.csv is no table of mixtures: remove it, or write it"):
        speakers_of(mixtures(tmp_path, "a"))


def test_a_folder_in_place_of_the_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "info.csv").mkdir()
    with pytest.raises(UserError, match=r"info.csv is no file: remove it, or write it"):
        speakers_of(mixtures(tmp_path, "a"))


@pytest.mark.parametrize(
    "text", ["name,speaker1\n" + "a" * 200_000 + ",ann\n", 'name,speaker1\n"' + "a,ann\n" * 50_000]
)
def test_a_list_that_is_no_table_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "info.csv").write_text(text)
    with pytest.raises(UserError, match=r"info.csv is no table of mixtures \(field larger .*: remove it, or write it"):
        speakers_of(mixtures(tmp_path, "a"))


def test_without_a_list_speakers_are_unknown(tmp_path: Path) -> None:
    assert speakers_of(mixtures(tmp_path, "a")) == speakers_of([]) == Speakers()
