"""Gates: hard forward, clipped gradients backward, never fewer open ones than the floor."""

from __future__ import annotations

import numpy as np
import torch

from sepprune.pruning.methods.gates import hard_sigmoid, open_floor


def test_the_published_gate_is_hard_and_clips_its_gradient() -> None:
    probability = torch.tensor([0.6, 0.8], requires_grad=True)
    gate = hard_sigmoid(probability, 0.7)
    (gate * torch.tensor([3.0, -0.5])).sum().backward()
    assert gate.tolist() == [0, 1]
    assert probability.grad is not None and probability.grad.tolist() == [1, -0.5]


def test_groups_below_their_floor_open_their_best_gates() -> None:
    gates, scores = torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0]), torch.tensor([0.1, 0.3, 0.2, 0.0, 1.0])
    assert open_floor(gates, scores, np.array([3, 2]), np.array([2, 1])).tolist() == [0, 1, 1, 1, 0]


def test_gates_above_the_floor_are_unchanged() -> None:
    gates = torch.tensor([1.0, 0.0, 1.0])
    assert open_floor(gates, torch.zeros(3), np.array([3]), np.array([2])) is gates
