"""Voices keep their sides when another level begins to be heard."""

from __future__ import annotations

import numpy as np

from app.engine.voice_order import VoiceOrder

CHUNK_S = 0.008


def voices(chunks: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((chunks, 2, 128)).astype(np.float32)


def fed(order: VoiceOrder, *conditions: np.ndarray) -> VoiceOrder:
    for chunk in zip(*conditions, strict=True):
        order.add(np.stack(chunk))
    return order


def test_a_level_with_exchanged_voices_is_turned_round_when_it_begins() -> None:
    true = voices(50)
    order = fed(VoiceOrder((True, True), 2, CHUNK_S), true, true[:, ::-1])
    order.begin(0)
    order.begin(1)
    assert order.orders == [(0, 1), (1, 0)]


def test_voices_that_a_level_exchanges_while_another_is_heard_keep_their_sides_at_the_return() -> None:
    true = voices(400)
    order = VoiceOrder((True, True), 2, CHUNK_S)
    fed(order, true[:100], true[:100]).begin(0)
    order.begin(1)
    fed(order, true[100:, ::-1], true[100:]).begin(0)
    assert order.orders == [(1, 0), (0, 1)]


def test_the_order_of_what_is_heard_never_changes() -> None:
    true = voices(200)
    order = VoiceOrder((True, True), 2, CHUNK_S)
    order.begin(1)
    fed(order, true, true[:, ::-1]).begin(1)
    assert order.orders[1] == (0, 1)


def test_silence_changes_no_order() -> None:
    order = fed(VoiceOrder((True, True), 2, CHUNK_S), voices(50), voices(50)[:, ::-1])
    order.begin(1)
    fed(order, *np.zeros((2, 20_000, 2, 128), np.float32)).begin(0)
    order.begin(1)
    assert order.orders == [(0, 1), (1, 0)]


def test_the_mixture_between_two_levels_leaves_the_first_as_the_guide() -> None:
    true = voices(50)
    mixture = np.repeat(true.sum(axis=1, keepdims=True), 2, axis=1)
    order = fed(VoiceOrder((True, True, False), 2, CHUNK_S), true, true[:, ::-1], mixture)
    for condition in (0, 2, 1):
        order.begin(condition)
    assert order.orders[:2] == [(0, 1), (1, 0)]


def test_held_sound_has_the_order_of_its_longer_part() -> None:
    true = voices(600)
    order = fed(VoiceOrder((True, True), 2, CHUNK_S), true[:400], true[:400, ::-1])
    fed(order, true[400:], true[400:])
    assert order.held() == [(0, 1), (1, 0)]
    order.begin(1)
    assert order.orders == [(0, 1), (0, 1)]
