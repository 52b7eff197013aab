import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sepprune.losses import best_order, ordered_snr_loss, pairwise_snr, pit_snr_loss, reorder, settled_snr_loss


def sources(batch: int = 3, count: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, count, 400, generator=torch.Generator().manual_seed(seed))


@given(count=st.integers(2, 4), seed=st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_the_permutation_invariant_loss_ignores_the_order_of_sources(count: int, seed: int) -> None:
    reference, estimate = sources(count=count, seed=seed), sources(count=count, seed=seed + 1)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(pit_snr_loss(estimate[:, order], reference), pit_snr_loss(estimate, reference), atol=1e-4)


def test_snr_is_the_ratio_of_powers_in_decibels() -> None:
    reference = sources()
    error = torch.randn_like(reference)
    error *= (reference.square().sum(-1, keepdim=True) / error.square().sum(-1, keepdim=True) / 10).sqrt()
    snr = pairwise_snr(reference + error, reference).diagonal(dim1=1, dim2=2)
    assert torch.allclose(snr, torch.full_like(snr, 10.0), atol=0.1)


def test_a_perfect_estimate_earns_the_ceiling_and_no_more() -> None:
    reference = sources()
    assert torch.allclose(ordered_snr_loss(reference, reference), torch.tensor(-30.0), atol=0.01)


def test_estimates_of_half_the_mixture_score_3_db() -> None:
    reference = sources()
    half = reference.mean(1, keepdim=True).expand_as(reference)
    assert abs(float(pit_snr_loss(half, reference)) + 3.0) < 0.3


def test_leaking_into_a_silent_reference_costs() -> None:
    reference = sources()
    reference[:, 1] = 0
    quiet, loud = reference.clone(), reference.clone()
    quiet[:, 1], loud[:, 1] = 0.01 * reference[:, 0], 0.1 * reference[:, 0]
    assert ordered_snr_loss(quiet, reference) < ordered_snr_loss(loud, reference) - 3


def test_reordered_references_follow_the_guide() -> None:
    reference = sources(count=3)
    order = torch.tensor([2, 0, 1])
    assert torch.equal(reorder(reference, reference[:, order]), reference[:, order])


def test_the_best_order_maximises_the_mean_score() -> None:
    score = torch.tensor([[[1.0, 9.0], [8.0, 2.0]]])
    order, mean = best_order(score)
    assert order.tolist() == [[1, 0]] and mean.tolist() == [8.5]


def moved(reference: torch.Tensor, at: int) -> torch.Tensor:
    """Estimates whose outputs change places."""
    return torch.cat([reference[..., :at], reference.flip(1)[..., at:]], -1)


def alone_at_first(seed: int = 0) -> torch.Tensor:
    """One voice, silent for 60 samples; the other one starts 200 samples later, or never."""
    reference = sources(batch=2, seed=seed)
    reference[..., :60] = 0
    reference[0, 1] = 0
    reference[1, 1, :260] = 0
    return reference


def test_the_settled_loss_takes_the_order_in_which_a_lone_voice_starts() -> None:
    reference = alone_at_first()
    estimate = moved(reference, 160)
    torch.testing.assert_close(settled_snr_loss(estimate, reference, 100), ordered_snr_loss(estimate, reference))
    assert pit_snr_loss(estimate, reference) < settled_snr_loss(estimate, reference, 100) - 3


def test_the_settled_loss_takes_the_best_order_where_several_voices_start_together() -> None:
    reference = sources()
    estimate = moved(reference, 160)
    torch.testing.assert_close(settled_snr_loss(estimate, reference, 100), pit_snr_loss(estimate, reference))


@given(seed=st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_the_settled_loss_is_the_permutation_invariant_one_where_no_voice_moves(seed: int) -> None:
    reference = alone_at_first(seed)
    estimate = reference.flip(1) + 0.1 * sources(batch=2, seed=seed + 1)
    torch.testing.assert_close(settled_snr_loss(estimate, reference, 100), pit_snr_loss(estimate, reference))


def test_the_settled_loss_takes_a_single_source() -> None:
    reference = sources(count=1)
    estimate = reference + 0.1 * sources(count=1, seed=1)
    torch.testing.assert_close(settled_snr_loss(estimate, reference, 100), pit_snr_loss(estimate, reference))
