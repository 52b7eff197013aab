"""Modules that keep calculated tensors, such as the weight of ``torch.nn.utils.weight_norm``."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm


def copied(module: nn.Module) -> nn.Module:
    """A deep copy.

    ``copy.deepcopy`` refuses tensors with a history of gradients, such as a weight that was calculated at the last
    call. Their values are copied; the module calculates them again when it is called.
    """
    memo = {
        id(value): value.detach().clone()
        for part in module.modules()
        for held in vars(part).values()
        for value in (held if isinstance(held, (list, tuple)) else (held,))
        if isinstance(value, Tensor) and not value.is_leaf
    }
    return copy.deepcopy(module, memo)


def recalculate(module: nn.Module) -> nn.Module:
    """Calculate the weights of ``weight_norm`` and ``spectral_norm`` again, in place; returns the module."""
    with torch.no_grad():
        for part in module.modules():
            for hook in part._forward_pre_hooks.values():
                if isinstance(hook, WeightNorm):
                    setattr(part, hook.name, hook.compute_weight(part))
                elif isinstance(hook, SpectralNorm):
                    setattr(part, hook.name, hook.compute_weight(part, do_power_iteration=False))
    return module
