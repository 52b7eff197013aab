import dataclasses
from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.training.settings import TrainingSettings, load_settings


def written(folder: Path, text: str) -> str:
    path = folder / "run.toml"
    path.write_text(text)
    return str(path)


def test_tables_become_inner_settings_and_lists_tuples(tmp_path: Path) -> None:
    settings = load_settings(
        written(
            tmp_path,
            'out = "run"\ndata = "data"\n[mixtures]\nsnr_db = [0, 10]\n[optimiser]\nfrozen = ["encoder"]\n'
            "[model]\nsettings = { hidden = 8 }\n",
        )
    )
    assert settings.mixtures.snr_db == (0, 10) and settings.optimiser.frozen == ("encoder",)
    assert settings.model.settings == {"hidden": 8}


def test_what_a_file_leaves_out_is_the_default(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, 'out = "run"\ndata = "data"')) == TrainingSettings("run", "data")


def test_overrides_replace_entries_unless_they_are_none(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, 'out = "run"\ndata = "data"'), data="other", out=None)
    assert (settings.out, settings.data) == ("run", "other")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('out = "run"', "is incomplete: add data$"),
        (
            'out = "run"\ndata = "d"\n[mixtures]\nsecs = 1',
            r"\[mixtures\] of .* has an unknown entry 'secs': choose from",
        ),
        ("out = ", "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        load_settings(written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read .*nothing.toml .no such file"):
        load_settings(str(tmp_path / "nothing.toml"))


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingSettings("run", "data").seed = 1  # type: ignore[misc]  # that is the point


def test_the_length_of_a_mixture_is_given_in_samples_too() -> None:
    assert TrainingSettings("", "").mixtures.samples == 51_200
