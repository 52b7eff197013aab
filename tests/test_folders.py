from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sepprune import folders
from sepprune.files import remove_leftovers
from sepprune.folders import whole_folder

from .leftovers import searched_before_the_lock

#: writes a new folder, and ends itself as a kill would before its n-th change of a name
_KILLED = """
import os, sys
from pathlib import Path
from sepprune import folders
left = int(sys.argv[2])
def counted(change):
    def run(*names):
        global left
        if left == 0:
            os.kill(os.getpid(), 9)
        left -= 1
        return change(*names)
    return run
for name in ("rename", "replace", "link", "fsync"):
    setattr(os, name, counted(getattr(os, name)))
folders._exchange = counted(folders._exchange)
folders.shutil.rmtree = counted(folders.shutil.rmtree)
with folders.whole_folder(Path(sys.argv[1]), ("index", "*.data")) as new:
    for name in ("index", "1.data"):
        (new / name).write_text("new")
"""
OLD = {"index": "old", "0.data": "old", "1.data": "old", "notes": "mine"}
NEW = {"index": "new", "1.data": "new", "notes": "mine"}


def fill(folder: Path, content: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in content.items():
        (folder / name).write_text(text)
    return folder


def content_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def replace(folder: Path) -> None:
    with whole_folder(folder, ("index", "*.data")) as new:
        for name in ("index", "1.data"):
            (new / name).write_text("new")


def test_own_files_are_replaced_and_the_users_stay(tmp_path: Path) -> None:
    replace(fill(tmp_path / "folder", OLD))
    assert content_of(tmp_path / "folder") == NEW
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_folders_of_the_user_stay_with_their_content(tmp_path: Path) -> None:
    folder = fill(tmp_path / "folder", OLD)
    fill(folder / "runs", {"last.pt": "mine"})
    replace(folder)
    assert (folder / "runs" / "last.pt").read_text() == "mine"


@pytest.mark.parametrize("before", ["missing", "empty"])
def test_a_folder_is_made_where_there_is_none(tmp_path: Path, before: str) -> None:
    if before == "empty":
        (tmp_path / "folder").mkdir()
    replace(tmp_path / "folder")
    assert content_of(tmp_path / "folder") == {"index": "new", "1.data": "new"}


@pytest.mark.parametrize("moment", range(10))
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a POSIX signal")
def test_a_kill_leaves_the_old_or_the_new_folder_and_the_next_write_cleans_up(tmp_path: Path, moment: int) -> None:
    folder = fill(tmp_path / "folder", OLD)
    subprocess.run([sys.executable, "-c", _KILLED, str(folder), str(moment)], check=False)
    assert content_of(folder) in (OLD, NEW)
    replace(folder)
    assert content_of(folder) == NEW and [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("where", ["other file system", "working folder"])
def test_where_folders_cannot_be_exchanged_files_are_replaced_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    folder = fill(tmp_path / "folder", OLD)
    if where == "working folder":
        monkeypatch.chdir(folder)
    else:
        monkeypatch.setattr(folders, "_exchange", lambda first, second: False)
    inode = folder.stat().st_ino
    replace(folder)
    assert content_of(folder) == NEW and folder.stat().st_ino == inode
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_fault_while_the_new_folder_is_written_leaves_the_old_one(tmp_path: Path) -> None:
    folder = fill(tmp_path / "folder", OLD)
    with pytest.raises(OSError, match="no space"), whole_folder(folder, ("*",)) as new:
        (new / "index").write_text("half")
        raise OSError("no space left on device")
    assert content_of(folder) == OLD and [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_that_a_running_process_writes_is_not_cleaned_up(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "folder", ()) as new:
        (new / "index").write_text("new")
        remove_leftovers(tmp_path)
        assert new.is_dir()
    assert content_of(tmp_path / "folder") == {"index": "new"}


def test_a_folder_that_another_process_takes_for_a_leftover_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = searched_before_the_lock(tmp_path, folders, monkeypatch)
    folder = fill(tmp_path / "folder", OLD)
    replace(folder)
    assert len(begun) == 2 and content_of(folder) == NEW


def test_permissions_of_the_folder_and_its_files_are_those_of_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        replace(tmp_path / "folder")
    finally:
        os.umask(before)
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "folder" / "index").stat().st_mode & 0o777 == 0o640
