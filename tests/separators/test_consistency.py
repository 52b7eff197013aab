"""Mixture consistency: shares of the rest, from nothing to all of it, without a step between two hops."""

import torch
from torch import Tensor

from sepprune.separators import build_separator
from sepprune.separators.consistency import Consistency

HOP, FRAMES = 8, 5


def shared(bias: tuple[float, float], last: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor]:
    """Mixture ``(1, samples)``, estimates before and after, with shares that are all the same after the ``last``."""
    torch.manual_seed(0)
    layer = Consistency(width=3, units=4, sources=2, hop=HOP).requires_grad_(False)
    layer.share.bias.copy_(torch.tensor(bias))
    mixture, estimates = torch.randn(1, FRAMES * HOP), torch.randn(1, 2, FRAMES * HOP)
    state = (torch.tensor([last]), *layer.initial_state(1)[1:])
    result, _ = layer(mixture, estimates, torch.randn(1, FRAMES, 3), state)
    return mixture, estimates, result


def test_shares_that_sum_to_one_make_the_sources_sum_to_the_mixture() -> None:
    mixture, _, result = shared((0.3, 0.7), (0.3, 0.7))
    assert torch.allclose(result.sum(1), mixture, atol=1e-6)


def test_a_source_whose_share_is_zero_gets_nothing() -> None:
    _, estimates, result = shared((1.0, 0.0), (1.0, 0.0))
    assert torch.equal(result[:, 1], estimates[:, 1])


def test_a_share_changes_over_a_hop_and_not_at_once() -> None:
    mixture, estimates, result = shared((1.0, 0.0), (0.0, 0.0))
    share = (result - estimates)[0, 0] / (mixture - estimates.sum(1))[0]
    assert share[0] < 0.01
    assert share[:HOP].diff().max() < 0.25
    assert torch.allclose(share[HOP:], torch.ones(HOP * (FRAMES - 1)), atol=1e-3)


def test_before_training_a_separator_computes_what_it_computes_without() -> None:
    with_it, without = (build_separator("skim", features=8, hidden=8, blocks=2, consistency=units) for units in (4, 0))
    without.load_state_dict({name: value for name, value in with_it.state_dict().items() if "consistency" not in name})
    mixture = torch.randn(1, 1280, generator=torch.Generator().manual_seed(0))
    assert torch.equal(with_it(mixture)[0], without(mixture)[0])


def test_what_is_left_is_measured_against_the_mixture_of_the_same_moment() -> None:
    """With all of the rest to one source the sum is the mixture, delayed by what the separator says."""
    separator = build_separator("skim", features=8, hidden=8, blocks=2, consistency=4).requires_grad_(False)
    separator.consistency.share.bias.copy_(torch.tensor([1.0, 0.0]))
    mixture = torch.randn(1, 1280, generator=torch.Generator().manual_seed(0))
    heard = separator(mixture)[0].sum(1)
    after = 2 * separator.hop  # the first share rises from zero
    assert torch.allclose(heard[:, after:], mixture[:, after - separator.delay : -separator.delay], atol=1e-5)
