from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sepprune import files
from sepprune.errors import UserError
from sepprune.files import check_destination, check_folder, is_folder, whole_file, write_whole

from .leftovers import searched_before_the_lock

POSIX = pytest.mark.skipif(os.name == "nt", reason="links and permissions of POSIX systems")


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    for content in (b"old", b"new and longer"):
        write_whole(tmp_path / "file", content)
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
        assert (tmp_path / "file").read_bytes() == content


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    write_whole(tmp_path / ("n" * 255), b"content")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"content"]


@pytest.mark.parametrize("fault", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    write_whole(tmp_path / "file", b"old")

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, fault, fail)
    with pytest.raises(OSError, match="no space left"):
        write_whole(tmp_path / "file", b"new")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


@POSIX
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "file", b"content")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@POSIX
def test_a_link_is_replaced_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"precious")
    (tmp_path / "file").symlink_to(tmp_path / "target")
    write_whole(tmp_path / "file", b"content")
    assert (tmp_path / "target").read_bytes() == b"precious" and not (tmp_path / "file").is_symlink()


def test_an_interrupted_block_leaves_the_old_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"old")
    with pytest.raises(RuntimeError, match="in the middle"), whole_file(tmp_path / "file") as file:
        file.write(b"half")
        raise RuntimeError("in the middle")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_a_writer_that_takes_a_path_can_write_through_the_name(tmp_path: Path) -> None:
    with whole_file(tmp_path / "file") as file:
        Path(file.name).write_bytes(b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


@pytest.mark.parametrize(
    ("destination", "words"),
    [
        ("missing/r.json", "there is no folder"),
        (".", "it is a folder"),
        ("r.txt", "does not end in .json or .png: rename it"),
    ],
)
def test_a_destination_that_cannot_be_written_is_refused(tmp_path: Path, destination: str, words: str) -> None:
    suffixes = (".json", ".png") if destination == "r.txt" else ()
    with pytest.raises(UserError, match=words):
        check_destination("--json", str(tmp_path / destination), suffixes)


def test_a_destination_in_a_folder_that_the_work_makes_is_accepted(tmp_path: Path) -> None:
    check_destination("--json", str(tmp_path / "out" / "r.json"), made=[tmp_path / "out" / "voices"])
    check_destination("--json", "-")
    check_destination("--json", str(tmp_path / "new.json"))


@pytest.mark.parametrize("name", ["n" * 5000, "a\0b", "missing", "file"])
def test_a_name_that_is_no_folder_is_none_whatever_it_is(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    assert is_folder(tmp_path) and not is_folder(tmp_path / name)


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"content")
    reader.join()
    assert received == [b"content"] and pipe.is_fifo()


def test_a_device_stays_a_device() -> None:
    with pytest.raises(OSError, match="No space left"):
        write_whole(Path("/dev/full"), b"content")
    assert Path("/dev/full").is_char_device()


def test_a_link_to_a_device_is_replaced(tmp_path: Path) -> None:
    """A ladder from elsewhere could hold one that leads to a disk."""
    link = tmp_path / "ladder.json"
    link.symlink_to("/dev/full")
    write_whole(link, b"content")
    assert link.read_bytes() == b"content" and not link.is_symlink()


def test_a_file_that_another_process_takes_for_a_leftover_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = searched_before_the_lock(tmp_path, files, monkeypatch)
    write_whole(tmp_path / "file", b"content")
    assert len(begun) == 2 and [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"content"


def test_many_processes_can_write_into_one_folder(tmp_path: Path) -> None:
    """Each looks for leftovers while the others begin their files."""
    script = (
        "import sys; from pathlib import Path; from sepprune.files import write_whole\n"
        "for turn in range(100): write_whole(Path(sys.argv[1]), b'content')"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, tmp_path / f"file-{number}"]) for number in range(4)]
    assert [writer.wait() for writer in writers] == [0] * 4
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"file-{number}" for number in range(4)]


@pytest.mark.parametrize(
    ("inside", "sentence"), [("", "runs is empty"), ("a.txt", "is a file"), ("a.txt/b", "is a file")]
)
def test_a_folder_of_results_is_no_file(tmp_path: Path, inside: str, sentence: str) -> None:
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=sentence):
        check_folder("runs", inside and str(tmp_path / inside))


def test_a_folder_of_results_need_not_exist(tmp_path: Path) -> None:
    check_folder("runs", str(tmp_path / "new/deep"))
    check_folder("runs", str(tmp_path))
