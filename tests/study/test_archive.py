from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sepprune.errors import UserError
from sepprune.study.archive import read_study
from sepprune.study.design import ABX, MUSHRA
from sepprune.study.seal import seal, unseal
from tests.study.studies import SAMPLES, small_design, small_study, write_small_study


def rewritten(path: Path, name: str, content: bytes | None, out: Path) -> Path:
    """The zip with one entry replaced, added, or with ``None`` left out."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        if content is not None:
            new.writestr(name, content)
    return out


def test_a_study_is_read_as_it_was_written(tmp_path: Path) -> None:
    design = small_design(MUSHRA)
    study = write_small_study(tmp_path / "study.zip", design)
    assert read_study(study.path) == study
    assert study.design == design
    assert all(study.samples(name).shape == (SAMPLES,) for name in study.files.values())


def test_equal_seeds_give_equal_files_byte_by_byte(tmp_path: Path) -> None:
    one, two, other = (
        write_small_study(tmp_path / name, small_design(ABX), seed).path.read_bytes()
        for name, seed in (("a.zip", 1), ("b.zip", 1), ("c.zip", 2))
    )
    assert one == two != other


def test_nothing_readable_tells_what_a_stimulus_is(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    with zipfile.ZipFile(study.path) as archive:
        entries = archive.infolist()
        words = ("level", "anchor", "talk", "baseline", "condition")
        index = archive.read("study.json").decode() + archive.read("key.sealed").decode()
    stimuli = [one for one in entries if one.filename.startswith("stimuli/")]
    assert len({one.file_size for one in stimuli}) == len({one.date_time for one in entries}) == 1
    assert len({one.compress_size for one in stimuli}) == 1
    names = [one.filename for one in stimuli]
    assert names == sorted(names)
    assert not any(word in index.lower() + " ".join(names) for word in words)


@pytest.mark.parametrize(
    "name", ["../evil.wav", "/evil.wav", "stimuli/../../evil.wav", "C:\\evil.wav", "stimuli/0.wav", "other.txt"]
)
def test_other_names_in_the_zip_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match="is no study"):
        read_study(rewritten(small_study(tmp_path, ABX).path, name, b"x", tmp_path / "bad.zip"))


@pytest.mark.parametrize("name", ["study.json", "key.sealed"])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b"no json", "§".encode()])
def test_damaged_parts_are_one_sentence(tmp_path: Path, name: str, content: bytes | None) -> None:
    with pytest.raises(UserError):
        read_study(rewritten(small_study(tmp_path, ABX).path, name, content, tmp_path / "bad.zip"))


def test_a_missing_and_a_changed_stimulus_are_found(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    name = next(iter(study.files.values()))
    entry = f"stimuli/{name}.wav"
    with pytest.raises(UserError, match="lacks stimuli"):
        read_study(rewritten(study.path, entry, None, tmp_path / "lacks.zip"))
    changed = read_study(rewritten(study.path, entry, b"RIFF", tmp_path / "changed.zip"))
    with pytest.raises(UserError, match="is damaged"):
        changed.samples(name)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_what_is_no_zip_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "study.zip").write_bytes(content)
    with pytest.raises(UserError, match="sepprune study create"):
        read_study(tmp_path / "study.zip")
    with pytest.raises(UserError, match="there is no study"):
        read_study(tmp_path / "missing.zip")


def test_a_zip_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("study.json", b"\0" * (65 * 2**20))
    (tmp_path / "bomb.zip").write_bytes(packed.getvalue())
    with pytest.raises(UserError, match="too large"):
        read_study(tmp_path / "bomb.zip")


def test_a_seal_shows_nothing_and_detects_damage() -> None:
    facts = {"order": ["level-3"] * 20, "number": 1.5}
    sealed = seal(facts)
    assert sealed == seal(facts)
    assert unseal(sealed, "x") == facts
    assert b"level" not in np.frombuffer(sealed.encode(), np.uint8).tobytes()
    for place in range(0, len(sealed), 7):
        other = "A" if sealed[place] != "A" else "B"
        with pytest.raises(UserError, match="damaged"):
            unseal(sealed[:place] + other + sealed[place + 1 :], "x")


def test_a_zip_of_a_later_version_of_the_format_is_one_sentence(tmp_path: Path) -> None:
    study = small_study(tmp_path, ABX)
    content = bytearray(study.path.read_bytes())
    content[content.index(b"PK\x01\x02") + 6] = 128  # version needed to extract, in the first central directory entry
    study.path.write_bytes(content)
    with pytest.raises(UserError, match="is no study .*zip file version 12.8"):
        read_study(study.path)
