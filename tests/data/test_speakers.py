"""The list of a set of mixtures: who speaks where."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepprune.data.mixtures import MixtureFiles
from sepprune.data.speakers import speakers_of
from sepprune.errors import UserError


def mixtures(folder: Path, *names: str) -> list[MixtureFiles]:
    return [MixtureFiles(name, folder / "mix" / f"{name}.flac", ()) for name in names]


def test_a_list_above_tells_folders_apart_by_their_names(tmp_path: Path) -> None:
    lines = "condition,name,speaker1,speaker2,snr_db", "clean,000,ann,ben,", "room,000,eve,ann,20"
    (tmp_path / "info.csv").write_text("\n".join(lines))
    assert speakers_of(mixtures(tmp_path / "clean", "000")) == [{"ann", "ben"}]
    assert speakers_of(mixtures(tmp_path / "room", "000")) == [{"eve", "ann"}]


def test_a_list_beside_the_mixtures_needs_no_condition(tmp_path: Path) -> None:
    (tmp_path / "info.csv").write_text("name,speaker1,speaker2\na,ann,ben\nb,ben,eve\n")
    assert speakers_of(mixtures(tmp_path, "b", "a")) == [{"ben", "eve"}, {"ann", "ben"}]


@pytest.mark.parametrize("text", ["", "name,speaker1,speaker2\na,ann,ben\n", "name,seconds\na,3\nb,4\n"])
def test_a_list_that_lacks_a_mixture_or_its_speakers_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "info.csv").write_text(text)
    assert speakers_of(mixtures(tmp_path, "a", "b")) is None


@pytest.mark.parametrize(
    "text", ["name,speaker1\n" + "a" * 200_000 + ",ann\n", 'name,speaker1\n"' + "a,ann\n" * 50_000]
)
def test_a_list_that_is_no_table_is_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "info.csv").write_text(text)
    with pytest.raises(UserError, match=r"info.csv is no list of mixtures \(field larger .*: remove it, or write it"):
        speakers_of(mixtures(tmp_path, "a"))


def test_without_a_list_speakers_are_unknown(tmp_path: Path) -> None:
    assert speakers_of(mixtures(tmp_path, "a")) is None and speakers_of([]) is None
