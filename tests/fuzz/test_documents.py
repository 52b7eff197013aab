"""Readers of JSON take any document apart without an exception that is no sentence; documents by Hypothesis."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepprune.checked import Table
from sepprune.errors import UserError
from sepprune.pruning.plan import FORMAT, VERSION, PruningPlan
from sepprune.streaming.calibration import _trial
from sepprune.study.design import design_of
from sepprune.study.methods.base import question_of
from sepprune.study.texts import texts_of

#: without subnormal ones: a backend that ran in this process may have told it to flush them to zero
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_subnormal=False) | st.text(max_size=20)
TREES = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def documents(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of these entries, with any values."""
    return st.fixed_dictionaries({}, optional={name: TREES for name in names})


GROUP = documents("id", "kept", "channels", "scores", "layers", "logits")
PLAN = st.fixed_dictionaries(
    {"format": st.just(FORMAT), "version": st.just(VERSION)},
    optional={name: TREES for name in ("method", "budget", "seed", "removals")}
    | {"groups": st.lists(GROUP, max_size=3)},
)
ITEM = st.lists(documents("name", "samples", "label", "level", "macs_per_second"), max_size=2) | TREES
DESIGN = st.fixed_dictionaries(
    {},
    optional={"items": ITEM, "conditions": ITEM}
    | {name: TREES for name in ("method", "baseline", "control", "trials", "controls", "training", "open_ended")},
)


@pytest.mark.parametrize(
    ("read", "strategy"),
    [
        (PruningPlan.from_json, PLAN),
        (design_of, DESIGN),
        (texts_of, documents("title", "consent", "instructions", "questions", "scales", "questionnaire")),
        (question_of, documents("phase", "topic", "item", "conditions", "target")),
        (
            lambda data: _trial(Table(data, "the cache", "measure again"), 8),
            documents("level", "backend", "precision", "p50_ms", "agreement_db", "chosen"),
        ),
    ],
    ids=["plan", "design", "texts", "question", "trial"],
)
def test_any_document_is_read_or_refused_in_a_sentence(
    read: Callable[[dict[str, Any]], object], strategy: st.SearchStrategy[dict[str, Any]]
) -> None:
    @given(strategy)
    @settings(max_examples=150)
    def check(data: dict[str, Any]) -> None:
        try:
            read(json.loads(json.dumps(data)))
        except UserError as error:
            assert "\n" not in str(error) and len(str(error)) < 1000

    check()
