"""Checkpoints of Asteroid's ConvTasNet: one file of torch with ``model_name``, ``model_args`` and ``state_dict``.

Names and sizes follow the files that Asteroid writes. The computation is that of the paper: Luo and Mesgarani,
"Conv-TasNet: surpassing ideal time-frequency magnitude masking for speech separation", TASLP 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..checked import RATES, Table, shown
from ..errors import UserError
from .checkpoint import Imported, Weights, check_known, choice, flag, number, read_pickle, refuse, tensors_of

_ACTIVATIONS = {name: name for name in ("linear", "relu", "sigmoid", "tanh")}
#: a causal ConvTasNet of Asteroid has one of these; it takes cLN instead of any other
_NORMS = {"cLN": "frame", "cgLN": "cumulative"}
_KNOWN = (
    "fb_name n_filters kernel_size stride sample_rate in_chan out_chan bn_chan hid_chan skip_chan conv_kernel_size "
    "n_blocks n_repeats n_src norm_type mask_act causal encoder_activation"
).split()
_EPSILON, _MOST = 1e-8, 65_536
_ADVICE = "give a file that Asteroid wrote with model_name, model_args and state_dict"


def read_asteroid(checkpoint: Path, sample_rate: int | None) -> Imported:
    """A ConvTasNet of Asteroid.

    Args:
        checkpoint: the file.
        sample_rate: in hertz; ``None`` takes that of the file.

    Raises:
        UserError: the file cannot be read, the model is another one, or it cannot stream.
    """
    content = Table(read_pickle(checkpoint), str(checkpoint), _ADVICE)
    if content.text("model_name") != "ConvTasNet":
        raise content.wrong("model_name", "'ConvTasNet'")
    args = content.table("model_args")
    _check(args, str(checkpoint))
    basis, window = number(args, "n_filters", 512, 1, _MOST), number(args, "kernel_size", 16, 1, _MOST)
    for key in ("in_chan", "out_chan"):
        if number(args, key, basis, 1, _MOST) != basis:
            raise args.wrong(key, f"{basis}, the number of filters")
    norm = args.text("norm_type") if args.has("norm_type") else "gLN"
    blocks, repeats = number(args, "n_blocks", 8, 1, 24), number(args, "n_repeats", 3, 1, 64)
    skip = number(args, "skip_chan", 128, 0, _MOST) if args.data.get("skip_chan", 128) else 0
    settings = {
        "basis": basis,
        "window": window,
        "hop": number(args, "stride", window // 2, 1, _MOST),
        "sources": args.integer("n_src", 1, 16),
        "sample_rate": sample_rate or _sample_rate(args),
        "encoder_activation": choice(args, "encoder_activation", "linear", _ACTIVATIONS),
        "mask_activation": choice(args, "mask_act", "sigmoid", _ACTIVATIONS | {"softmax": "softmax"}),
        "bottleneck": number(args, "bn_chan", 128, 1, _MOST),
        "hidden": number(args, "hid_chan", 512, 1, _MOST),
        "skip": skip,
        "blocks": blocks,
        "repeats": repeats,
        "kernel": number(args, "conv_kernel_size", 3, 2, 256),
        "norm": _NORMS.get(norm, "frame"),
        "epsilon": _EPSILON,
    }
    state = content.data.get("state_dict")
    if not isinstance(state, Mapping):
        raise content.wrong("state_dict", "weights by name")
    weights = Weights(tensors_of(state, checkpoint), str(checkpoint))
    found = _weights(weights, blocks * repeats, skip > 0)
    weights.check_all_taken()
    note = (
        f"model_args has the norm_type {shown(norm)}; a causal ConvTasNet of Asteroid then uses cLN, and so does this."
    )
    return Imported("tasnet-tcn", settings, found, notes=() if norm in _NORMS else (note,))


def _weights(weights: Weights, blocks: int, skips: bool) -> dict[str, Tensor]:
    """The weights under our names."""
    found = {f"{part}.weight": weights.take(f"{part}.filterbank._filters") for part in ("encoder", "decoder")}
    found |= weights.norm("masker.bottleneck.0", "norm") | weights.layer("masker.bottleneck.1", "bottleneck")
    for index in range(blocks):
        source, target = f"masker.TCN.{index}", f"network.{index}"
        found |= weights.layer(f"{source}.shared_block.0", f"{target}.expand")
        found |= weights.layer(f"{source}.shared_block.1", f"{target}.expand_activation")
        found |= weights.norm(f"{source}.shared_block.2", f"{target}.expand_norm")
        found |= weights.layer(f"{source}.shared_block.3.0", f"{target}.depthwise")
        found |= weights.layer(f"{source}.shared_block.4", f"{target}.depthwise_activation")
        found |= weights.norm(f"{source}.shared_block.5", f"{target}.depthwise_norm")
        found |= weights.layer(f"{source}.res_conv", f"{target}.project")
        if skips:
            found |= weights.layer(f"{source}.skip_conv", f"{target}.skip")
    return found | weights.layer("masker.mask_net.0", "activation") | weights.layer("masker.mask_net.1", "mask")


def _check(args: Table, where: str) -> None:
    """Refuse another filterbank, what cannot stream, and settings that are not known."""
    reasons, others = [], []
    if not flag(args, "causal"):
        reasons.append("causal of model_args is false (its convolutions reach into the future)")
        norm = args.data.get("norm_type", "gLN")
        if norm not in (*_NORMS, "ChanLN", "CumLN"):
            reasons.append(f"norm_type {shown(norm)} of model_args has statistics over the whole recording")
    bank = args.text("fb_name") if args.has("fb_name") else "free"
    if bank not in ("free", "FreeFB"):
        others.append(f"fb_name of model_args is {shown(bank)} (import reads 'free', learned filters)")
    if reasons or others:
        refuse(where, reasons, others)
    check_known(args, _KNOWN, "a ConvTasNet")


def _sample_rate(args: Table) -> int:
    value: Any = args.data.get("sample_rate")
    if not isinstance(value, (int, float)) or not RATES[0] <= value <= RATES[1]:
        raise UserError(f"{args.where} does not name the sample rate: give it as --sample-rate, such as 8000")
    return round(value)
