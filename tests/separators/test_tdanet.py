"""TDANet as published, with attention over time."""

from collections.abc import Callable

import pytest
import torch

from sepprune.pruning import analyze
from sepprune.separators import build_separator
from sepprune.separators.tdanet import Attention, DropPath


@pytest.mark.parametrize(("name", "params", "gmacs"), [("tdanet", 2.35, 4.77), ("tdanet-large", 2.34, 9.20)])
def test_costs_are_the_published_ones(
    costs: Callable[[str], tuple[float, float]], name: str, params: float, gmacs: float
) -> None:
    counted = costs(name)
    assert counted[0] == pytest.approx(params, rel=0.01)
    assert counted[1] == pytest.approx(gmacs, rel=0.03)  # the published attention does not compare moments


@torch.no_grad()
def test_every_frame_attends_to_every_other() -> None:
    torch.manual_seed(0)
    attention = Attention(8, heads=2, dropout=0.0).eval()
    frames = torch.randn(1, 8, 20)
    changed = frames.clone()
    changed[..., -1] = torch.randn(8)
    assert (attention(frames) - attention(changed)).abs().amax(1).gt(1e-6).all()


@torch.no_grad()
def test_attention_knows_the_order_of_frames() -> None:
    torch.manual_seed(0)
    attention = Attention(8, heads=2, dropout=0.0).eval()
    frames = torch.randn(1, 8, 20)
    assert not torch.allclose(attention(frames.flip(-1)).flip(-1), attention(frames), atol=1e-3)


def test_heads_that_do_not_divide_the_channels_are_refused() -> None:
    with pytest.raises(ValueError, match="12 hidden channels do not divide into 8 heads .* use a multiple of 8"):
        build_separator("tdanet", hidden=12)


def test_a_dropped_path_is_made_up_for_by_the_paths_that_stay() -> None:
    torch.manual_seed(0)
    paths = DropPath(0.25)(torch.ones(4000, 1, 1))
    assert torch.allclose(paths.unique(), torch.tensor([0.0, 4 / 3]))
    assert float(paths.mean()) == pytest.approx(1.0, abs=0.05)


def test_the_channels_that_the_paper_prunes_are_one_group() -> None:
    separator = build_separator("tdanet", bottleneck=6, hidden=8, expanded=12, iterations=2, scales=3, heads=2)
    groups = analyze(separator, 0.1 * torch.randn(1, 800), include=["network.block.top.mlp.expand.norm"]).groups
    assert [(group["id"], group["channels"]) for group in groups] == [("network.block.top.mlp.expand.conv", 12)]
