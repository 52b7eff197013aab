"""``MODEL`` on the command line: built-in names with settings, factories in files, weights, examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.models import example_for, load_named

SMALL = "skim:features=8,hidden=8/6,blocks=2,segment=5,memory=8"
FACTORY = """
from torch import nn

def make():
    return nn.Linear(4, 2)

def wrong():
    return 3

def fails():
    raise RuntimeError("no such corpus")
"""


class OneChannel(nn.Module):
    """Takes (batch, 1, samples) only."""

    def forward(self, mixture: Tensor) -> Tensor:
        if mixture.dim() != 3:
            raise ValueError("expected three dimensions")
        return mixture


class Never(nn.Module):
    def forward(self, mixture: Tensor) -> Tensor:
        raise ValueError("always wrong")


@pytest.fixture
def factory(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FACTORY)
    return path


def test_a_built_in_name_takes_settings() -> None:
    parameters = dict(load_named(SMALL).named_parameters())
    assert any(value.shape[-1] == 6 for value in parameters.values())


def test_a_factory_in_a_file_is_called(factory: Path) -> None:
    assert isinstance(load_named(f"{factory}:make"), nn.Linear)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "no separator is called"),
        ("skim:depth=3", "no setting 'depth'"),
        ("skim:hidden", "not NAME=NUMBER"),
        ("{folder}/mine.py", "names no factory"),
        ("{folder}/none.py:make", "there is no file"),
        ("{folder}/mine.py:absent", "no function 'absent'"),
        ("{folder}/mine.py:wrong", "returns int, expected a torch.nn.Module"),
        ("{folder}/mine.py:fails", "fails: RuntimeError: no such corpus"),
    ],
)
def test_a_wrong_name_is_explained(factory: Path, name: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        load_named(name.replace("{folder}", str(factory.parent)))


def test_an_example_has_the_shape_that_the_module_takes() -> None:
    example = example_for(OneChannel(), 800)
    assert example is not None and example.shape == (1, 1, 800)
    assert example_for(load_named(SMALL), 16_000) is None


def test_a_module_that_takes_no_mixture_is_named() -> None:
    with pytest.raises(UserError, match="Never takes neither"):
        example_for(Never(), 800)


def test_a_convolution_is_not_given_a_signal_without_a_batch() -> None:
    assert example_for(nn.Sequential(nn.Conv1d(1, 2, 9, padding=4)), 800).shape == (1, 1, 800)


def test_settings_that_need_too_much_memory_are_one_sentence() -> None:
    with pytest.raises(UserError, match="skim:.* cannot be built: .*memory"):
        load_named("skim:features=99999999,hidden=99999999")
