"""The objective of mask learning: its losses, and batches of any shape that the module takes."""

from __future__ import annotations

from itertools import islice

import pytest
import torch
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.losses import pit_snr_loss
from sepprune.pruning.batches import MOST_KEPT, endless
from sepprune.pruning.objective import Objective, freeze, snr_loss
from sepprune.pruning.structure import Structure, discover
from tests.pruning.small_separators import MIXTURE, build

REFERENCES = torch.randn(2, 2, 320, generator=torch.Generator().manual_seed(3))


def structure() -> Structure:
    return discover(freeze(build("global norms and skips")), [(MIXTURE,)])


def gates(found: Structure) -> Tensor:
    return torch.ones(int(found.sizes.sum()))


def test_without_a_loss_it_is_the_permutation_invariant_one() -> None:
    found = structure()
    loss = Objective(found, None, 2)(gates(found), (MIXTURE, REFERENCES))
    assert float(loss) == pytest.approx(float(pit_snr_loss(found.module(MIXTURE), REFERENCES)), abs=1e-4)


def test_the_dense_model_equals_its_own_output() -> None:
    found = structure()
    assert float(Objective(found, "teacher", 2)(gates(found), MIXTURE)) < -50


def test_sources_are_compared_in_step_with_a_delayed_module() -> None:
    class Delayed(nn.Module):
        delay = 3

        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv1d(1, 6, 1), nn.Conv1d(6, 2, 1)

        def forward(self, mixture: Tensor) -> Tensor:
            return nn.functional.pad(self.last(self.first(mixture.unsqueeze(1))), (3, 0))[..., :-3]

    found = discover(freeze(Delayed()), [(MIXTURE,)])
    references = found.module.last(found.module.first(MIXTURE.unsqueeze(1)))
    assert float(Objective(found, snr_loss, 2)(gates(found), (MIXTURE, references))) < -50


def test_a_batch_of_another_shape_is_traced_once() -> None:
    found = structure()
    objective = Objective(found, None, 2)
    first, inputs = objective.masked((MIXTURE[:1, :160], REFERENCES[:1, :, :160]))
    assert inputs[0].shape == (1, 160)
    assert objective.masked(MIXTURE[:1, :160])[0] is first


def test_a_mixture_gets_the_channel_dimension_that_the_module_takes() -> None:
    objective = Objective(structure(), None, 3)
    with pytest.raises(UserError, match=r"does not run on a batch of data of shape \(2, 1, 320\)"):
        objective.masked(MIXTURE)


@pytest.mark.parametrize("loss", ["student", 3])
def test_something_that_is_not_a_loss_is_named(loss: object) -> None:
    with pytest.raises(UserError, match="is not a loss"):
        Objective(structure(), loss, 2)  # type: ignore[arg-type]  # the mistake under test


def test_batches_start_again_when_they_run_out() -> None:
    assert list(islice(endless([1, 2]), 5)) == [1, 2, 1, 2, 1]
    with pytest.raises(UserError, match="has no batches"):
        next(endless([]))


def test_a_short_generator_is_repeated() -> None:
    assert list(islice(endless(iter([1, 2])), 5)) == [1, 2, 1, 2, 1]


def test_a_long_generator_that_ends_says_what_to_give() -> None:
    with pytest.raises(UserError, match="ended after 33 batches"):
        list(islice(endless(iter(range(MOST_KEPT + 1))), MOST_KEPT + 2))


def test_a_wrong_number_of_references_is_one_sentence() -> None:
    module = nn.Conv1d(1, 2, 3, padding=1)
    mixture, references = torch.rand(2, 1, 20), torch.rand(2, 3, 20)
    objective = Objective(discover(freeze(module), [(mixture,)]), None, 3)
    with pytest.raises(UserError, match=r"references have shape \(2, 3, 20\).*one reference per source"):
        objective(torch.ones(0), (mixture, references))


def test_a_batch_without_references_says_what_to_give() -> None:
    module, mixture = nn.Conv1d(1, 2, 3, padding=1), torch.rand(2, 1, 20)
    structure = discover(freeze(module), [(mixture,)])
    with pytest.raises(UserError, match=r"give pairs \(mixture, references\), or loss='teacher'"):
        Objective(structure, None, 3)(torch.ones(0), mixture)
