"""How separators are called: in which precision."""

import pytest
import torch

from sepprune.separators import build_separator, calling
from sepprune.separators.calling import estimates_of, multiplies_bf16

CPU = torch.device("cpu")
PLAIN = {"architecture": "x86_64", "avx2": True, "avx512_bf16": False, "amx_bf16": False}


def pretend(monkeypatch: pytest.MonkeyPatch, **capabilities: bool) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: PLAIN | capabilities)


def pretend_times(monkeypatch: pytest.MonkeyPatch, bf16: float, fp32: float) -> None:
    monkeypatch.setattr(calling, "product_seconds", {torch.bfloat16: bf16, torch.float32: fp32}.__getitem__)


@pytest.mark.parametrize("name", ["avx512_bf16", "amx_bf16", "bf16", "sve_bf16"])
def test_one_kind_of_bf16_instructions_is_enough(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    pretend(monkeypatch, **{name: True})
    pretend_times(monkeypatch, bf16=1e-4, fp32=2e-4)
    assert multiplies_bf16(CPU)


def test_instructions_that_are_slower_than_fp32_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, avx512_bf16=True)
    pretend_times(monkeypatch, bf16=2e-4, fp32=1e-4)
    assert not multiplies_bf16(CPU)


def test_a_product_takes_a_time_in_either_precision() -> None:
    assert all(calling.product_seconds(kind) > 0 for kind in (torch.bfloat16, torch.float32))


def test_a_processor_without_them_computes_in_fp32_where_bf16_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    separator = build_separator("skim", features=8, hidden=8, blocks=1, memory=8)
    mixture = torch.randn(1, 4096, generator=torch.Generator().manual_seed(0))
    asked, exact = (estimates_of(separator, mixture, separator.delay, kind) for kind in ("bf16", "fp32"))
    assert torch.equal(asked, exact)


def test_this_processor_computes_where_bf16_is_asked_for() -> None:
    separator = build_separator("skim", features=8, hidden=8, blocks=1, memory=8)
    assert estimates_of(separator, torch.randn(1, 4096), separator.delay, "bf16").isfinite().all()
