import csv
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sepprune.errors import UserError
from sepprune.training.records import RunFolder

CPU = torch.device("cpu")


def save(folder: RunFolder, score: float, best: bool = True) -> None:
    weights = {"weight": torch.full((2,), score)}
    folder.save({"score": score}, weights if best else None, {"audio_hours": score / 10, "si_sdri": score})


def test_a_validation_leaves_checkpoint_weights_log_and_curve(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    save(folder, 1.5)
    assert folder.load_checkpoint(CPU) == {"score": 1.5}
    assert load_file(tmp_path / "run/best.safetensors")["weight"].tolist() == [1.5, 1.5]
    assert (tmp_path / "run/curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_log_has_a_line_per_validation(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for score in (1.0, 2.0, 3.0):
        save(folder, score)
    with open(tmp_path / "log.csv", newline="") as file:
        assert [float(line["si_sdri"]) for line in csv.DictReader(file)] == [1.0, 2.0, 3.0]


def test_worse_weights_do_not_replace_the_best(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    save(folder, 2.0)
    save(folder, 1.0, best=False)
    assert load_file(tmp_path / "best.safetensors")["weight"].tolist() == [2.0, 2.0]
    assert folder.load_checkpoint(CPU) == {"score": 1.0}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    save(folder, 1.0)
    with pytest.raises(AttributeError):  # a function inside a test cannot be pickled
        folder.save({"score": lambda: None}, None, {"audio_hours": 1.0, "si_sdri": 1.0})
    assert folder.load_checkpoint(CPU) == {"score": 1.0}


@pytest.mark.parametrize("place", ["", "run", "runs/run"])
def test_a_folder_that_would_be_in_a_file_is_refused_before_training(tmp_path: Path, place: str) -> None:
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UserError, match="notes is a file.: choose another folder for `out`"):
        RunFolder(tmp_path / "notes" / place).check()


def test_a_folder_is_checked_without_making_it(tmp_path: Path) -> None:
    RunFolder(tmp_path / "runs" / "new").check()
    assert not (tmp_path / "runs").exists()


def test_a_folder_without_a_run_has_no_checkpoint(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert not folder.has_checkpoint
    with pytest.raises(UserError, match="holds no checkpoint to resume from: leave --resume out"):
        folder.load_checkpoint(CPU)


def test_a_log_that_is_behind_or_ahead_of_the_checkpoint_is_corrected_when_the_run_resumes(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    save(folder, 1.0)
    right = (tmp_path / "log.csv").read_text()
    for wrong in (right + "9,9\n", ""):
        (tmp_path / "log.csv").write_text(wrong)
        assert RunFolder(tmp_path).load_checkpoint(CPU) == {"score": 1.0}
        assert (tmp_path / "log.csv").read_text() == right


def test_a_folder_is_made_with_the_first_validation(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.write_settings({"seed": 0})
    assert not (tmp_path / "run").exists()
    save(folder, 1.0)
    assert (tmp_path / "run" / "settings.json").is_file()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x02]q\x00.", b"\x80\x02X\x05", b"\x80\x02R."])
def test_a_damaged_checkpoint_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(UserError, match="is no checkpoint"):
        RunFolder(tmp_path).load_checkpoint(CPU)


@contextmanager
def full_disk() -> Iterator[None]:
    """No file may become longer than 10 bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_one_sentence_and_leaves_the_last_validation(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    save(folder, 1.0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with full_disk(), pytest.raises(UserError, match="no space left.*--resume"):
        save(folder, 2.0)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_before_the_first_validation_is_answered_without_resume(tmp_path: Path) -> None:
    with full_disk(), pytest.raises(UserError, match="make room, then start again"):
        save(RunFolder(tmp_path), 1.0)
