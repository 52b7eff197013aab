"""``sepprune pack``: numbers that are not possible, and names that look like markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepprune.cli import main
from tests.training.conftest import data_folder

__all__ = ["data_folder"]


@pytest.mark.parametrize(
    ("option", "limits"),
    [
        ("--megabytes=inf", "more than 0 and at most 1000000"),
        ("--megabytes=0", "more than 0 and at most 1000000"),
        ("--parts=0", "1 to 1000"),
        (f"--parts=1{'0' * 30}", "1 to 1000"),
        ("--seed=-1", "0 to 9007199254740992"),
    ],
)
def test_a_number_that_is_not_possible_is_one_sentence(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, limits: str
) -> None:
    assert main(["pack", str(data_folder), "--out", str(tmp_path / "a.pack"), option]) == 2
    assert capsys.readouterr().err.endswith(f" is not possible: give {limits}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_looks_like_markup_is_printed_as_it_is(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", str(data_folder), "--out", str(tmp_path / "[bold].pack")]) == 0
    assert "[bold].pack" in capsys.readouterr().out.replace("\n", "")


def test_a_pack_does_not_replace_the_list_of_its_recordings(
    data_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (data_folder / "manifest.csv").read_bytes()
    assert main(["pack", str(data_folder), "--out", str(data_folder / "manifest.csv")]) == 2
    assert "does not end in .pack" in capsys.readouterr().err
    assert (data_folder / "manifest.csv").read_bytes() == before


def test_several_packs_get_their_ending_and_number(data_folder: Path, tmp_path: Path) -> None:
    assert main(["pack", str(data_folder), "--out", str(tmp_path / "new/part"), "--parts", "2"]) == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["part-1.pack", "part-2.pack"]


def test_a_report_does_not_replace_the_pack(
    data_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "a.pack")
    assert main(["pack", str(data_folder), "--out", out, "--json", out]) == 2
    assert capsys.readouterr().err == f"sepprune pack: --json {out} is the file of out, too: name another one\n"


def test_an_empty_path_is_not_the_current_folder(data_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pack", str(data_folder), "--out", ""]) == 2
    assert capsys.readouterr().err == "sepprune pack: out is empty: give a path\n"
