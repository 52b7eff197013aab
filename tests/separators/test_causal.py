"""Every causal family: one forward for batch and stream, causal, exact latency."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sepprune.separators import build_separator, separator_names
from sepprune.separators.layers import Decoder, Encoder

SMALL = {
    "conv-tasnet": {"bottleneck": 12, "hidden": [16, 8, 24], "blocks": 3, "dilations": 2},
    "skim": {
        "features": 12,
        "hidden": [16, 8, 24],
        "blocks": 3,
        "segment": 7,
        "memory": 5,
        "low_bins": 10,
        "low_window": 256,
    },
}
LEARNED = {
    "tasnet-tcn": {"bottleneck": 12, "hidden": [16, 8, 24, 16], "blocks": 2, "repeats": 2},
    "tasnet-tcn, skips": {"bottleneck": 12, "hidden": 16, "skip": 8, "blocks": 2, "repeats": 2, "window": 96},
    "tasnet-tcn, cumulative": {"bottleneck": 12, "hidden": 16, "blocks": 2, "repeats": 2, "norm": "cumulative"},
    "tasnet-tcn, batch norms": {"bottleneck": 12, "hidden": 16, "blocks": 2, "repeats": 2, "norm": "batch"},
    "tasnet-skim": {"hidden": 16, "blocks": 3, "segment": 7},
    "tasnet-skim, cells": {"hidden": 16, "blocks": 3, "segment": 7, "carries": "cell", "mask_activation": "sigmoid"},
}
#: with mixture consistency, too
SMALL |= {f"{name}, consistent": settings | {"consistency": 6} for name, settings in SMALL.items()}
#: with features at one level whatever the input's
SMALL |= {f"{name}, levelled": settings | {"input_level": -20} for name, settings in SMALL.items()}
SMALL |= {name: {"basis": 20, "window": 64, **sizes} for name, sizes in LEARNED.items()}
CAUSAL = sorted(SMALL)


def small(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    filterbank = {} if name in LEARNED else {"window": 64, "analysis_window": 128}
    separator = build_separator(name.split(",")[0], hop=32, **filterbank, **SMALL[name])
    if getattr(separator, "consistency", None):  # shares are zero before training
        torch.nn.init.normal_(separator.consistency.share.weight)
    for module in separator.modules():  # batch norms away from their identity start
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
    return separator.eval().requires_grad_(False)


def mixture(frames: int, batch: int = 2) -> torch.Tensor:
    return 0.1 * torch.randn(batch, frames * 32, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", CAUSAL)
@given(chunks=st.lists(st.integers(1, 25), min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_any_chunking_gives_the_batch_output(name: str, chunks: list[int]) -> None:
    separator, signal = small(name), mixture(sum(chunks))
    whole, _ = separator(signal)
    pieces, state = [], None
    for piece in signal.split([32 * chunk for chunk in chunks], dim=1):
        sources, state = separator(piece, state)
        pieces.append(sources)
    assert torch.allclose(torch.cat(pieces, -1), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", CAUSAL)
def test_step_with_upkeep_by_the_caller_is_forward(name: str) -> None:
    separator, signal = small(name), mixture(20)
    whole, _ = separator(signal)
    pieces, state = [], separator.initial_state(2)
    for index, hop in enumerate(signal.split(32, dim=1), start=1):
        sources, state = separator.step(hop, state)
        pieces.append(sources)
        if separator.segment and index % separator.segment == 0:
            state = separator.end_segment(state)
    assert torch.allclose(torch.cat(pieces, -1), whole, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_step_works_on_the_weights_device_alone(name: str) -> None:
    separator = small(name).to("meta")  # meta tensors and those of any other device do not mix
    signal = torch.empty(1, 32, device="meta")
    sources, state = separator.step(signal, separator.initial_state(1))
    if separator.segment:
        sources, _ = separator.step(signal, separator.end_segment(state))
    assert sources.device.type == "meta"


@pytest.mark.parametrize("name", CAUSAL)
def test_later_input_never_changes_earlier_output(name: str) -> None:
    separator, signal = small(name), mixture(20)
    changed = signal.clone()
    changed[:, 12 * 32 :] = 0.5
    assert torch.equal(separator(signal)[0][..., : 12 * 32], separator(changed)[0][..., : 12 * 32])


@pytest.mark.parametrize("name", CAUSAL)
def test_the_oldest_input_still_matters_after_several_segments(name: str) -> None:
    separator, signal = small(name), mixture(8)
    other = signal.clone()
    other[:, :32] = 0
    reach = 7  # frames: the kernels' span; the first frame after a segment
    assert not torch.equal(separator(signal)[0][..., reach * 32 :], separator(other)[0][..., reach * 32 :])


@pytest.mark.parametrize("name", CAUSAL)
def test_mixtures_of_a_batch_do_not_mix(name: str) -> None:
    separator, signal = small(name), mixture(17)
    together, _ = separator(signal)
    alone, _ = separator(signal[1:])
    assert torch.allclose(together[1:], alone, atol=1e-6)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_part_of_a_hop_is_refused_with_the_way_out(name: str) -> None:
    with pytest.raises(ValueError, match="pad it with zeros to 64"):
        small(name)(torch.zeros(1, 40))


def test_the_filterbank_reconstructs_with_a_delay_of_window_minus_hop() -> None:
    encoder, decoder = Encoder(32, 64, 128), Decoder(32, 64, 128)
    tone = torch.cos(2 * torch.pi / 128 * 40 * torch.arange(1280)).unsqueeze(0)  # far from 0 Hz, which is left out
    spectrum = encoder(torch.cat([torch.zeros(1, 96), tone], dim=1).unfold(1, 128, 32))
    heard, _ = decoder(spectrum, decoder.initial_state(1))
    assert torch.allclose(heard[:, 128 + 32 :], tone[:, 128:-32], atol=1e-3)


def test_the_low_analysis_tells_close_tones_apart_better_than_the_other() -> None:
    """The power half way between 125 and 187.5 Hz, re theirs: a twentieth under the long window."""
    tones = sum(torch.sin(2 * torch.pi * pitch / 16_000 * torch.arange(4096)) for pitch in (125, 187.5)).unsqueeze(0)

    def valley(encoder: Encoder, hertz_a_bin: float) -> float:
        real, imaginary = encoder(tones.unfold(1, 1024, 128)).detach().chunk(2, dim=1)
        power = (real.square() + imaginary.square()).mean(-1)[0]
        low, between, high = (power[round(pitch / hertz_a_bin) - 1] for pitch in (125, 156.25, 187.5))
        return float(between / min(low, high))

    assert valley(Encoder(128, 256, 1024, 160), 15.625) < 0.05 < 0.15 < valley(Encoder(128, 256, 512), 31.25)


@pytest.mark.parametrize("name", CAUSAL)
def test_latency_is_the_synthesis_window(name: str) -> None:
    separator = build_separator(name.split(",")[0], **SMALL[name])
    assert separator.latency_ms == separator.window / 16 == (SMALL[name]["window"] / 16 if name in LEARNED else 16)


def test_names_and_settings_that_do_not_exist_are_answered_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=", ".join(separator_names())):
        build_separator("tasnet-conv")
    with pytest.raises(ValueError, match="no setting 'widht': choose from .*hidden"):
        build_separator("skim", widht=3)
    with pytest.raises(ValueError, match="2 widths for 3 blocks"):
        build_separator("conv-tasnet", hidden=[8, 8], blocks=3)
