import pytest

from sepprune.separators import build_separator


@pytest.mark.parametrize(
    ("setting", "value"), [("hidden", 0), ("features", 0), ("memory", -3), ("hop", 0), ("hidden", [8, 0])]
)
def test_a_size_below_one_is_refused_by_its_name(setting: str, value: int | list[int]) -> None:
    with pytest.raises(ValueError, match=f"{setting} is .*: give at least 1"):
        build_separator("skim", **{"features": 8, "hidden": 8, "blocks": 2, setting: value})


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("hidden", "abc", "hidden is 'abc': give a number"),
        ("features", [], "features is \\[\\]: give one number"),
        ("features", [8, 8], "features is \\[8, 8\\]: give one number"),
        ("low_bins", -1, "low_bins is -1: give at least 0"),
    ],
)
def test_a_value_of_another_kind_is_refused_by_its_name(setting: str, value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        build_separator("skim", **{"hidden": 8, "blocks": 2, setting: value})


@pytest.mark.parametrize("setting", ["consistency", "input_level", "low_bins"])
def test_parts_that_can_be_left_out_have_a_size_of_zero(setting: str) -> None:
    build_separator("skim", features=8, hidden=8, blocks=1, **{setting: 0})


def test_the_low_band_has_no_more_bins_than_its_window() -> None:
    with pytest.raises(ValueError, match="low_bins is 513: a low_window of 1024 samples has 512 bins"):
        build_separator("skim", features=8, hidden=8, blocks=1, low_bins=513)
