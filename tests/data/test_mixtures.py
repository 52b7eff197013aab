"""Folders of mixtures: which one is used, what is refused, and how files are read."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sepprune.data.crops import CropBatches
from sepprune.data.mixtures import MIXTURE_FOLDERS, find, mixture_folder
from sepprune.data.sound import read_at_rate
from sepprune.errors import UserError

RATE = 16_000


def mixtures_folder(folder: Path, *conditions: str, samples: int = 800, rate: int = RATE, channels: int = 1) -> Path:
    """Two mixtures, ``a`` and ``b``; the mixtures of later conditions are louder."""
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        references = 0.1 * random.standard_normal((2, samples, channels)).astype(np.float32)
        signals = {"s1": references[0], "s2": references[1]}
        for number, condition in enumerate(conditions or ("mix",)):
            signals[condition] = references.sum(0) * (1 + number)
        for part, signal in signals.items():
            (folder / part).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / part / f"{name}.wav", signal, rate, subtype="FLOAT")
    return folder


@pytest.mark.parametrize("condition", MIXTURE_FOLDERS)
def test_mixtures_are_found_under_the_names_of_the_known_corpora(tmp_path: Path, condition: str) -> None:
    found = find(mixtures_folder(tmp_path, condition))
    assert [(files.name, files.mixture.parent.name, len(files.references)) for files in found] == [
        ("a", condition, 2),
        ("b", condition, 2),
    ]


@pytest.mark.parametrize(
    ("conditions", "chosen"),
    [
        (("mix_both", "mix_clean"), "mix_clean"),
        (("mix_clean", "mix"), "mix"),
        (("mix_both_min", "mix_both"), "mix_both"),
    ],
)
def test_the_preferred_folder_is_chosen_where_there_are_several(
    tmp_path: Path, conditions: tuple[str, ...], chosen: str
) -> None:
    assert find(mixtures_folder(tmp_path, *conditions))[0].mixture.parent.name == chosen


def test_a_named_condition_comes_before_the_preference(tmp_path: Path) -> None:
    folder = mixtures_folder(tmp_path, "mix_clean", "mix_both")
    assert find(folder, "mix_both")[0].mixture.parent.name == "mix_both"
    with pytest.raises(UserError, match="expected mix_single beside s1 and s2"):
        find(folder, "mix_single")


def test_a_third_reference_is_found(tmp_path: Path) -> None:
    folder = mixtures_folder(tmp_path)
    (folder / "s3").mkdir()
    for name in ("a.wav", "b.wav"):
        (folder / "s3" / name).write_bytes((folder / "s1" / name).read_bytes())
    assert [path.parent.name for path in find(folder)[0].references] == ["s1", "s2", "s3"]


def test_a_folder_without_references_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mix").mkdir()
    assert mixture_folder(tmp_path) is None
    with pytest.raises(UserError, match="is no folder of mixtures"):
        find(tmp_path)


def test_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing does not exist: expected .*mix"):
        find(tmp_path / "missing")


def test_a_folder_without_sound_files_is_refused(tmp_path: Path) -> None:
    for part in ("mix", "s1", "s2"):
        (tmp_path / part).mkdir()
    (tmp_path / "mix" / "notes.txt").touch()
    with pytest.raises(UserError, match="mix holds no WAV or FLAC files"):
        find(tmp_path)


def test_a_mixture_without_its_reference_is_refused(tmp_path: Path) -> None:
    (mixtures_folder(tmp_path) / "s2" / "b.wav").unlink()
    with pytest.raises(UserError, match="b.wav has no reference"):
        find(tmp_path)


def test_a_part_is_read_from_the_same_place_of_every_file(tmp_path: Path) -> None:
    files = find(mixtures_folder(tmp_path))[0]
    mixture, *references = files.read(RATE, start=100, frames=50)
    assert mixture.shape == (50,) and np.allclose(mixture, sum(references), atol=1e-6)
    assert np.array_equal(mixture, files.read(RATE)[0, 100:150])


def test_zeros_follow_the_end_of_a_file(tmp_path: Path) -> None:
    signals = find(mixtures_folder(tmp_path, samples=80))[0].read(RATE, frames=100)
    assert signals.shape == (3, 100) and not signals[:, 80:].any()


def test_several_channels_are_averaged(tmp_path: Path) -> None:
    files = find(mixtures_folder(tmp_path, channels=2))[0]
    assert np.allclose(files.read(RATE)[1], soundfile.read(files.references[0])[0].mean(1), atol=1e-7)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_a_part_at_another_rate_is_that_of_the_whole_file_resampled(tmp_path: Path, rate: int) -> None:
    files = find(mixtures_folder(tmp_path, samples=rate, rate=rate))[0]
    whole = np.stack([read_at_rate(path, RATE) for path in files.paths])
    assert files.read(RATE).shape == (3, RATE)
    for start, frames in [(0, 500), (7_001, 997), (15_500, 500)]:
        part = files.read(RATE, start, frames)
        assert part.shape == (3, frames)
        np.testing.assert_allclose(part, whole[:, start : start + frames], atol=2e-4)


def test_zeros_follow_the_end_of_a_file_at_another_rate(tmp_path: Path) -> None:
    signals = find(mixtures_folder(tmp_path, samples=800, rate=8_000))[0].read(RATE, 1_500, 2_000)
    assert signals.shape == (3, 2_000) and signals[:, :50].any() and np.abs(signals[:, 400:]).max() < 1e-4


def test_a_pass_of_crops_has_every_mixture_and_fills_the_last_batch(tmp_path: Path) -> None:
    folder = mixtures_folder(tmp_path)
    batches = list(CropBatches(find(folder), batch=3, samples=800, sample_rate=RATE, seed=0))
    [(mixture, references)] = batches
    assert mixture.shape == (3, 800) and references.shape == (3, 2, 800)
    assert len({float(row[0]) for row in mixture}) == 2
    torch.testing.assert_close(mixture, references.sum(1))


def test_crops_depend_on_seed_and_pass_alone(tmp_path: Path) -> None:
    files = find(mixtures_folder(tmp_path))
    first, again, other = (CropBatches(files, 2, 100, RATE, seed) for seed in (1, 1, 2))
    one, two, three = (next(iter(batches))[0] for batches in (first, again, other))
    assert torch.equal(one, two) and not torch.equal(one, three)
    assert not torch.equal(one, next(iter(first))[0])
