from __future__ import annotations

import os
from pathlib import Path

import pytest

from sepprune.streaming import cache
from sepprune.streaming.cache import cache_folder, cache_key, cached


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEPPRUNE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Builder:
    """Writes one file and counts how often it was asked to."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "model").write_bytes(b"content")


@pytest.fixture
def build() -> Builder:
    return Builder()


def test_what_was_built_once_is_read_the_next_time(build: Builder) -> None:
    assert cached("key", build) == cached("key", build) == {"model": b"content"}
    assert build.calls == 1


@pytest.mark.parametrize("damage", [b"", b"contenT"])
def test_a_damaged_entry_is_built_again(build: Builder, folder: Path, damage: bytes) -> None:
    cached("key", build)
    (folder / "key" / "model").write_bytes(damage)
    assert (cached("key", build)["model"], cached("key", build)["model"], build.calls) == (b"content", b"content", 2)


def test_an_entry_with_a_garbled_manifest_is_built_again(build: Builder, folder: Path) -> None:
    cached("key", build)
    (folder / "key" / "files.json").write_text("[")
    assert (cached("key", build)["model"], build.calls) == (b"content", 2)


def test_a_cache_that_cannot_be_written_is_no_error(build: Builder, folder: Path) -> None:
    folder.write_text("a file stands where the folder should be")
    assert cached("key", build) == {"model": b"content"}


def test_a_build_that_fails_leaves_nothing_behind(folder: Path) -> None:
    def fail(place: Path) -> None:
        (place / "model").write_bytes(b"half")
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        cached("key", fail)
    assert not folder.exists()


def test_keys_do_not_run_into_each_other() -> None:
    assert len({cache_key("ab", "c"), cache_key("a", "bc"), cache_key("abc"), cache_key(b"abc"), cache_key(None)}) == 5


def test_the_cache_is_the_users_own_unless_one_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = cache_folder()
    monkeypatch.delenv("SEPPRUNE_CACHE")
    assert named == folder and cache_folder().name == "sepprune"


def test_entries_that_were_not_used_for_longest_are_forgotten(
    folder: Path, monkeypatch: pytest.MonkeyPatch, build: Builder
) -> None:
    for age, key in enumerate(("new", "middle", "old")):
        cached(key, build)
        os.utime(folder / key, (1e9 - age, 1e9 - age))
    monkeypatch.setattr(cache, "LIMIT", 3 * sum(path.stat().st_size for path in (folder / "new").iterdir()))
    cached("old", build)  # used now, so that "middle" is the oldest
    cached("newest", build)
    assert sorted(entry.name for entry in folder.iterdir()) == ["new", "newest", "old"]


@pytest.mark.parametrize(
    "manifest", ['{"../../secret": "x"}', '{"model": 5}', '["model"]', "[" * 100_000, "5", '{"/etc/passwd": ""}']
)
def test_an_entry_with_a_hostile_manifest_is_built_again(build: Builder, folder: Path, manifest: str) -> None:
    cached("key", build)
    (folder / "key" / "files.json").write_text(manifest)
    assert (cached("key", build), build.calls) == ({"model": b"content"}, 2)


def test_what_a_killed_process_left_is_removed(build: Builder, folder: Path) -> None:
    left = folder / ".sepprune-0123456789abcdef.part"
    left.mkdir(parents=True)
    (left / "model").write_bytes(b"half")
    cached("key", build)
    assert [entry.name for entry in folder.iterdir()] == ["key"]
