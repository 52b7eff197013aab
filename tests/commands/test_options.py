import pytest

from sepprune.commands.options import numbers_of
from sepprune.errors import UserError


def test_numbers_are_joined_by_commas_and_keep_their_order() -> None:
    assert numbers_of("--chunk-ms", "16,8.5", float, "durations", "8,16") == [16.0, 8.5]


def test_a_number_that_is_given_twice_counts_once() -> None:
    assert numbers_of("--levels", "4,0,4", int, "level numbers", "0,2") == [4, 0]


@pytest.mark.parametrize("text", ["", "x", "1,", "1.5", "1;2"])
def test_other_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UserError, match="--levels .* is no list of level numbers: write for example 0,2"):
        numbers_of("--levels", text, int, "level numbers", "0,2")
