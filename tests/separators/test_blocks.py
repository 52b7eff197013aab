"""Every non-causal family: any length, mixtures apart from each other, exportable, nothing without effect."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sepprune.separators import build_separator, separator_names

SMALL = {
    "afrcnn-12": {"bottleneck": 6, "hidden": 8, "iterations": 2, "scales": 3, "basis": 10},
    "sudormrf-1.0x": {"bottleneck": 6, "hidden": 8, "blocks": 2, "scales": 3, "basis": 10},
    "tdanet": {"bottleneck": 6, "hidden": 8, "expanded": 12, "iterations": 2, "scales": 3, "heads": 2, "basis": 10},
}
FAMILIES = sorted(SMALL)


def small(name: str, **changes: int) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_separator(name, **SMALL[name] | changes).eval()


def mixture(samples: int, batch: int = 2) -> torch.Tensor:
    return 0.1 * torch.randn(batch, samples, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", FAMILIES)
@given(samples=st.integers(1, 700), batch=st.integers(1, 3), sources=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_sources_are_as_long_as_the_mixture(name: str, samples: int, batch: int, sources: int) -> None:
    assert small(name, sources=sources)(mixture(samples, batch)).shape == (batch, sources, samples)


@pytest.mark.parametrize("window", [20, 21, 32, 41])
def test_any_window_gives_one_frame_a_hop(window: int) -> None:
    separator = small("afrcnn-12", window=window, hop=20)
    assert separator.encoder(torch.zeros(1, 1, 800)).shape[-1] == 40


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_mixtures_of_a_batch_do_not_mix(name: str) -> None:
    separator, signals = small(name), mixture(999, 3)
    alone = torch.cat([separator(signal.unsqueeze(0)) for signal in signals])
    assert torch.allclose(separator(signals), alone, atol=1e-6)


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_a_mixture_is_separated_the_same_way_again(name: str) -> None:
    separator, signals = small(name), mixture(801)
    assert torch.equal(separator(signals), separator(signals))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parameter_has_an_effect(name: str) -> None:
    separator = small(name)
    separator(mixture(800)).square().sum().backward()
    assert [key for key, value in separator.named_parameters() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize("name", FAMILIES)
@torch.no_grad()
def test_the_exported_graph_computes_the_same(name: str) -> None:
    separator, signals = small(name), mixture(333)
    exported = torch.export.export(separator, (signals,), strict=False).module()
    assert torch.allclose(exported(signals), separator(signals), atol=1e-6)


@pytest.mark.parametrize("name", ["afrcnn-12", "afrcnn-16", "sudormrf-1.0x", "tdanet", "tdanet-large"])
def test_the_papers_separators_are_known_by_name(name: str) -> None:
    assert name in separator_names()


@pytest.mark.parametrize(
    ("name", "setting", "message"),
    [
        ("afrcnn-12", {"window": 10}, "10 samples leaves gaps between frames that are 20 samples apart"),
        ("sudormrf-1.0x", {"basis": 0}, "basis is 0: give at least 1"),
        ("tdanet", {"iterations": 0}, "iterations is 0: give at least 1"),
        ("tdanet", {"kernel": 3}, "no setting 'kernel': choose from .*iterations"),
    ],
)
def test_settings_that_make_no_separator_are_answered_with_the_way_out(
    name: str, setting: dict[str, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        small(name, **setting)
