"""Prepared sets on disk: how they are found and read, and what error messages name."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from sepprune.data.datasets import LAYOUTS, DatasetSettings, PreparedBatches, PreparedMixtures, fixed_set
from sepprune.errors import UserError
from sepprune.separators import separator_names
from sepprune.training.settings import TrainingSettings, build_settings, read_toml

RATE = 16_000
RECIPES = sorted((Path(__file__).resolve().parents[2] / "configs" / "paper").glob("*.toml"))
#: folder of the first training mixture's files, and their names, in every set
FOLDERS = {
    "lrs2-2mix": ("wav16k/min/tr", ["mix/0.wav", "s1/0.wav", "s2/0.wav"]),
    "libri2mix": ("wav16k/min/train-100", ["mix_clean/0.wav", "s1/0.wav", "s2/0.wav"]),
    "wham": ("wav16k/min/tr", ["mix_clean/0.wav", "s1/0.wav", "s2/0.wav"]),
    "echoset": ("train/room_mix/0", ["mix.wav", "spk1_reverb.wav", "spk2_reverb.wav"]),
}


def write(folder: Path, names: list[str], samples: int = 1000, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """A mixture and its two references; returns the references."""
    references = 0.1 * np.random.default_rng(seed).standard_normal((2, samples)).astype(np.float32)
    for name, signal in zip(names, (references.sum(0), *references), strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, signal, rate, subtype="FLOAT")
    return references


def several(root: Path, count: int, samples: int = 1000) -> PreparedMixtures:
    for number in range(count):
        write(root / "wav16k/min/tr", [f"{kind}/{number}.wav" for kind in ("mix", "s1", "s2")], samples, number)
    return PreparedMixtures(root, DatasetSettings("lrs2-2mix"), "train", seconds=200 / RATE)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_a_whole_mixture_comes_with_its_references(tmp_path: Path, name: str) -> None:
    folder, names = FOLDERS[name]
    expected = write(tmp_path / folder, names)
    mixture, references = PreparedMixtures(tmp_path, DatasetSettings(name), "train")[0]
    assert np.array_equal(references, expected)
    assert np.array_equal(mixture, expected.sum(0))


@pytest.mark.parametrize(
    ("settings", "split", "folder", "mixture"),
    [
        (DatasetSettings("lrs2-2mix"), "valid", "wav16k/min/cv", "mix"),
        (DatasetSettings("lrs2-2mix"), "test", "wav16k/min/tt", "mix"),
        (DatasetSettings("libri2mix"), "valid", "wav16k/min/dev", "mix_clean"),
        (DatasetSettings("libri2mix"), "train-360", "wav16k/min/train-360", "mix_clean"),
        (DatasetSettings("libri2mix", condition="mix_both", length="max"), "test", "wav16k/max/test", "mix_both"),
        (DatasetSettings("wham", condition="mix_both", sample_rate=8000), "valid", "wav8k/min/cv", "mix_both"),
        (DatasetSettings("lrs2-2mix"), "train", "tr", "mix"),  # the folder of the splits itself
        (DatasetSettings("wham", sample_rate=8000), "train", "min/tr", "mix_clean"),  # the folder of one rate
        (DatasetSettings("wham", sample_rate=8000), "train", "wav16k/min/tr", "mix_clean"),  # will be resampled
    ],
)
def test_split_condition_length_and_rate_choose_the_folder(
    tmp_path: Path, settings: DatasetSettings, split: str, folder: str, mixture: str
) -> None:
    write(tmp_path / folder, [f"{mixture}/7.wav", "s1/7.wav", "s2/7.wav"], rate=settings.sample_rate)
    assert PreparedMixtures(tmp_path, settings, split).files[0].mixture == tmp_path / folder / mixture / "7.wav"


def test_echoset_is_found_at_any_depth(tmp_path: Path) -> None:
    for place in ("a/0", "a/1", "b"):
        write(tmp_path / "val" / place, FOLDERS["echoset"][1])
    assert len(PreparedMixtures(tmp_path, DatasetSettings("echoset"), "valid")) == 3


def test_a_segment_is_cut_at_the_same_place_from_mixture_and_references(tmp_path: Path) -> None:
    mixtures = several(tmp_path, 1)
    torch.manual_seed(0)
    segments = [mixtures[0] for _ in range(5)]
    assert all(torch.equal(mixture, references.sum(0)) and mixture.shape == (200,) for mixture, references in segments)
    assert len({float(mixture[0]) for mixture, _ in segments}) == 5


def test_segments_reach_from_the_first_to_the_last_sample(tmp_path: Path) -> None:
    mixtures = several(tmp_path, 1)
    whole = PreparedMixtures(tmp_path, DatasetSettings("lrs2-2mix"), "train")[0][0]
    assert torch.equal(mixtures.read(0, 0.0)[0], whole[:200])
    assert torch.equal(mixtures.read(0, 0.9999)[0], whole[-200:])


def test_a_mixture_shorter_than_a_segment_is_followed_by_silence(tmp_path: Path) -> None:
    mixture, references = several(tmp_path, 1, samples=150)[0]
    assert mixture[:150].all() and not mixture[150:].any() and references.shape == (2, 200)


def test_a_batch_depends_on_seed_and_number_alone(tmp_path: Path) -> None:
    mixtures = several(tmp_path, 5)
    first, again, other = (PreparedBatches(mixtures, 3, 10, seed) for seed in (1, 1, 2))
    first[0]
    assert torch.equal(first[4][0], again[4][0])
    assert not torch.equal(first[4][0], other[4][0])
    assert first[4][1].shape == (3, 2, 200)


def test_every_mixture_comes_once_before_any_comes_again(tmp_path: Path) -> None:
    mixtures = several(tmp_path, 5, samples=200)
    heard = torch.cat([PreparedBatches(mixtures, 2, 5, 0)[index][0] for index in range(5)])[:, 0].tolist()
    assert len(set(heard[:5])) == len(set(heard[5:])) == 5


def test_the_fixed_set_is_spread_over_the_split_and_never_changes(tmp_path: Path) -> None:
    mixtures = several(tmp_path, 5)
    chosen, references = fixed_set(mixtures, 3)
    assert torch.equal(chosen, torch.stack([mixtures.read(index)[0] for index in (0, 2, 4)]))
    assert references.shape == (3, 2, 200)
    assert len(fixed_set(mixtures, 100)[0]) == 5


def test_an_unknown_set_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="'wsj0': choose from lrs2-2mix, libri2mix, wham, echoset"):
        PreparedMixtures(".", DatasetSettings("wsj0"), "train")


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_a_missing_split_is_named_with_the_folder_looked_for(tmp_path: Path, name: str) -> None:
    looked_for = tmp_path / FOLDERS[name][0].removesuffix("/room_mix/0")
    with pytest.raises(UserError) as error:
        PreparedMixtures(tmp_path, DatasetSettings(name), "train")
    message = str(error.value)
    assert f"{name} has no folder {looked_for}" in message and f"{tmp_path} has no folders; " in message


def test_the_folder_of_the_wanted_rate_comes_first_then_the_next_higher(tmp_path: Path) -> None:
    settings, names = DatasetSettings("wham", sample_rate=8000), FOLDERS["wham"][1]
    for rate in (48_000, 16_000, 8_000):
        write(tmp_path / f"wav{rate // 1000}k/min/tr", names, rate=rate)
        found = PreparedMixtures(tmp_path, settings, "train")
        assert f"wav{rate // 1000}k" in found.files[0].mixture.parts
        assert found[0][0].shape == (1000 * 8_000 // rate,)


def test_a_lower_rate_is_named_and_not_taken(tmp_path: Path) -> None:
    write(tmp_path / "wav8k/min/tr", FOLDERS["wham"][1], rate=8000)
    (tmp_path / "metadata").mkdir()
    with pytest.raises(UserError) as error:
        PreparedMixtures(tmp_path, DatasetSettings("wham"), "train")
    places = " or ".join(str(tmp_path / place) for place in ("wav16k/min/tr", "min/tr", "tr"))
    assert f"wham has no folder {places}: {tmp_path} has metadata, wav8k; " in str(error.value)
    assert len(PreparedMixtures(tmp_path / "wav8k", DatasetSettings("wham"), "train")) == 1  # the caller names it


def test_a_condition_that_was_not_prepared_is_named(tmp_path: Path) -> None:
    write(tmp_path / FOLDERS["libri2mix"][0], FOLDERS["libri2mix"][1])
    with pytest.raises(
        UserError,
        match="no folder .*train-100.mix_both: prepare it, or name another condition; .* has mix_clean, s1, s2",
    ):
        PreparedMixtures(tmp_path, DatasetSettings("libri2mix", condition="mix_both"), "train")


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_a_missing_reference_is_named(tmp_path: Path, name: str) -> None:
    folder, names = FOLDERS[name]
    write(tmp_path / folder, names)
    (tmp_path / folder / names[2]).unlink()
    with pytest.raises(UserError) as error:
        PreparedMixtures(tmp_path, DatasetSettings(name), "train")
    assert f"no file {tmp_path / folder / names[2]}" in str(error.value)


def test_a_split_without_mixtures_is_named(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    with pytest.raises(UserError, match="no sound files called mix below .*test"):
        PreparedMixtures(tmp_path, DatasetSettings("echoset"), "test")


def test_another_sample_rate_is_resampled(tmp_path: Path) -> None:
    write(tmp_path / FOLDERS["wham"][0], FOLDERS["wham"][1], rate=8000)
    mixture, references = PreparedMixtures(tmp_path, DatasetSettings("wham"), "train")[0]
    assert mixture.shape == (2000,) and references.shape == (2, 2000)


def test_a_file_that_is_no_sound_is_named(tmp_path: Path) -> None:
    mixtures = several(tmp_path, 1)
    mixtures.files[0].mixture.write_bytes(b"not a sound")
    with pytest.raises(UserError, match="cannot read .*0.wav"):
        mixtures[0]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_of_the_paper_names_a_known_set_and_separator(recipe: Path) -> None:
    content = read_toml(str(recipe))
    dataset = build_settings(DatasetSettings, content.pop("dataset"), "dataset")
    training = build_settings(TrainingSettings, content, str(recipe))
    assert f"{dataset.name}-{training.model.name}" == recipe.stem
    assert dataset.name in LAYOUTS and training.model.name in separator_names()


def test_there_is_a_recipe_for_every_row_of_the_table() -> None:
    assert [recipe.stem for recipe in RECIPES] == sorted(
        f"{data}-{model}"
        for data in ("lrs2-2mix", "libri2mix", "echoset")
        for model in ("afrcnn-12", "sudormrf-1.0x", "tdanet")
    )
