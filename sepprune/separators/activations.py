"""Activations by name, as configurations of other programs name them."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity,
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softmax": lambda: nn.Softmax(dim=1),
    "prelu": nn.PReLU,
}


def activation_names() -> list[str]:
    """Names that :func:`activation` knows."""
    return sorted(_ACTIVATIONS)


def activation(name: str) -> nn.Module:
    """An activation by name. ``softmax`` is over dimension 1, which is the sources of masks.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in _ACTIVATIONS:
        raise ValueError(f"no activation is called {name!r}: choose from {', '.join(activation_names())}")
    return _ACTIVATIONS[name]()
