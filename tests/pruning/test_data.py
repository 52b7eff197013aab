"""Data that masks cannot be learned from is one sentence, for every method that needs data."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from sepprune.errors import UserError
from sepprune.pruning import METHODS, Prepared, prepare, prune
from sepprune.pruning.methods.registry import WITHOUT_DATA
from tests.pruning.small_separators import MIXTURE, build

WITH_DATA = [name for name in METHODS if name not in WITHOUT_DATA]
REFERENCES = torch.randn(2, 2, MIXTURE.shape[-1], generator=torch.Generator().manual_seed(3))
#: what is asked for, for every method that needs data
ASKED: dict[str, dict[str, Any]] = {name: {"method": name, "macs": 0.5} for name in WITH_DATA}
ASKED["threshold"] = {"threshold": 0.7}


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare(build("global norms and skips"), MIXTURE)


def spoiled(values: Tensor, value: float) -> Tensor:
    values = values.clone()
    values[0, ..., 5] = value
    return values


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ASKED)
def test_a_mixture_that_is_not_finite_is_told_with_its_step(prepared: Prepared, name: str, value: float) -> None:
    data = [(MIXTURE, REFERENCES), (spoiled(MIXTURE, value), REFERENCES)]
    with pytest.raises(UserError, match=r"in step 2.*check that the data"):
        prune(prepared, data=data, steps=3, **ASKED[name])


@pytest.mark.parametrize("name", [name for name in ASKED if name != "hrank"])
def test_references_that_are_not_finite_are_told_with_their_step(prepared: Prepared, name: str) -> None:
    data = [(MIXTURE, REFERENCES), (MIXTURE, spoiled(REFERENCES, float("nan")))]
    with pytest.raises(UserError, match=r"the loss is nan in step 2.*check that the data and its references"):
        prune(prepared, data=data, steps=3, **ASKED[name])


@pytest.mark.parametrize(
    ("name", "sentence"), [("sepprune", "no mask can be learned"), ("taylor", "every channel the score 0")]
)
def test_a_loss_that_does_not_depend_on_the_channels_is_told(prepared: Prepared, name: str, sentence: str) -> None:
    def loss(estimate: Tensor, references: Tensor) -> Tensor:
        return (estimate * 0).sum()

    with pytest.raises(UserError, match=sentence):
        prune(prepared, data=[(MIXTURE, REFERENCES)], loss=loss, steps=2, **ASKED[name])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (3, "data is 3, int: give batches"),
        ([(MIXTURE.numpy(), REFERENCES)], r"without a tensor: give batches of torch tensors as data=, .*from_numpy"),
        ([(MIXTURE, REFERENCES.numpy())], r"references of a batch of data are a numpy array: give a torch tensor"),
        ([({"voices": MIXTURE}, REFERENCES)], "does not run on a batch of data of shape .*; give batches as data="),
    ],
)
def test_data_of_another_form_is_told(data: Any, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        prune(build("global norms and skips"), MIXTURE, macs=0.5, data=data, steps=2)
