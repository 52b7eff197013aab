"""Enhancement and separation checkpoints of ESPnet: ``config.yaml`` and a ``.pth`` file of weights.

Convolutional encoder and decoder around a SkiM or TCN separator. Names and sizes follow the files that ESPnet writes.
The computation is that of the papers: Li et al., "SkiM: skipping memory LSTM for low-latency real-time continuous
speech separation", ICASSP 2022; Luo and Mesgarani, "Conv-TasNet", TASLP 2019.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..checked import RATES, Table, read_limited, shown
from ..errors import UserError
from ..extras import require
from .checkpoint import Imported, Weights, check_known, choice, flag, number, read_pickle, refuse, tensors_of

#: ESPnet's addition to variances: the distance of 1 to the next number in single precision
_EPSILON = 2.0**-23
_MASKS = {"relu": "relu", "sigmoid": "sigmoid", "tanh": "tanh"}
_SCORES = {"prelu": "prelu", "relu": "relu", "sigmoid": "sigmoid", "tanh": "tanh", "linear": "linear"}
#: which states the memory of SkiM carries on
_MEMORIES = {"hc": "both", "h": "hidden", "c": "cell", "id": "same"}
#: norms that a stream can compute; the others have statistics over the whole recording
_STREAMING_NORMS = {"cLN": "frame", "BN": "batch"}
_GLOBAL_NORMS = ("gLN", "GN")
#: settings of the separators that are read; those that do not change the computation are among them
_SHARED = "input_dim causal num_spk predict_noise nonlinear layer".split()
_KNOWN = {
    "skim": [*_SHARED, *"unit segment_size dropout mem_type seg_overlap".split()],
    "tcn": [*_SHARED, *"stack bottleneck_dim hidden_dim kernel norm_type pre_mask_nonlinear masking".split()],
}
_LARGEST_CONFIG, _MOST = 16 * 2**20, 65_536
_ADVICE = "give the config.yaml that ESPnet wrote beside the weights"


def read_espnet(checkpoint: Path, config: Path, sample_rate: int | None) -> Imported:
    """A separator of ESPnet.

    Args:
        checkpoint: file of weights.
        config: the YAML file beside it.
        sample_rate: in hertz; ``None`` takes that of the configuration.

    Raises:
        UserError: a file cannot be read, the model is of another kind, or it cannot stream.
    """
    content = _configuration(config)
    table = Table(content, str(config), _ADVICE)
    separator = table.text("separator")
    others = [
        f"{part} is {shown(table.text(part))} (import reads 'conv', learned filters)"
        for part in ("encoder", "decoder")
        if table.text(part) != "conv"
    ]
    if separator not in _KNOWN:
        others.append(f"separator is {shown(separator)} (import reads {' and '.join(_KNOWN)})")
    settings = _inner(table, "separator_conf")
    reasons = [*_of_model(_inner(table, "model_conf")), *_of_separator(separator, settings)]
    if separator == "tcn" and not flag(settings, "masking", True):
        others.append("masking of separator_conf is false (import reads separators that mask)")
    if reasons or others:
        refuse(str(config), reasons, others)
    check_known(settings, _KNOWN[separator], f"the separator {separator}")
    encoder = _inner(table, "encoder_conf")
    basis, sources = encoder.integer("channel", 1, _MOST), number(settings, "num_spk", 2, 1, 16)
    filters = {
        "basis": basis,
        "window": encoder.integer("kernel_size", 1, _MOST),
        "hop": encoder.integer("stride", 1, _MOST),
        "sources": sources,
        "sample_rate": sample_rate or _sample_rate(content, config),
        "encoder_activation": "relu",
        "epsilon": _EPSILON,
    }
    weights = Weights(tensors_of(read_pickle(checkpoint), checkpoint), str(checkpoint))
    found = {
        "encoder.weight": weights.take("encoder.conv1d.weight"),
        "decoder.weight": weights.take("decoder.convtrans1d.weight"),
    }
    family = _skim if separator == "skim" else _tcn
    own, tensors = family(settings, weights, basis, sources)
    weights.check_all_taken()
    return Imported(f"tasnet-{separator}", filters | own, found | tensors)


def _tcn(settings: Table, weights: Weights, basis: int, sources: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Settings and weights of the TCN separator."""
    layers, stacks = number(settings, "layer", 8, 1, 24), number(settings, "stack", 3, 1, 64)
    net = "separator.tcn.network"
    # files from before there was a choice have nothing between the network and the layer of the masks
    score = choice(settings, "pre_mask_nonlinear", "prelu" if f"{net}.4.weight" in weights else "linear", _SCORES)
    norm = choice(settings, "norm_type", "gLN", _STREAMING_NORMS)
    own = {
        "bottleneck": number(settings, "bottleneck_dim", 128, 1, _MOST),
        "hidden": number(settings, "hidden_dim", 512, 1, _MOST),
        "blocks": layers,
        "repeats": stacks,
        "kernel": number(settings, "kernel", 3, 2, 256),
        "norm": norm,
        "first_norm": "frame",
        "score_activation": score,
        "mask_activation": choice(settings, "nonlinear", "relu", _MASKS | {"linear": "linear"}),
        "biases": 0,
    }
    found = weights.norm(f"{net}.0", "norm") | weights.layer(f"{net}.1", "bottleneck")
    for index in range(layers * stacks):
        source, target = f"{net}.2.{index // layers}.{index % layers}.net", f"network.{index}"
        found |= weights.layer(f"{source}.0", f"{target}.expand")
        found |= weights.layer(f"{source}.1", f"{target}.expand_activation")
        found |= weights.norm(f"{source}.2", f"{target}.expand_norm")
        # .1 cuts the padding at the end off and has no weights
        found |= weights.layer(f"{source}.3.net.0", f"{target}.depthwise")
        found |= weights.layer(f"{source}.3.net.2", f"{target}.depthwise_activation")
        found |= weights.norm(f"{source}.3.net.3", f"{target}.depthwise_norm")
        found |= weights.layer(f"{source}.3.net.4", f"{target}.project")
    if score == "prelu":
        found |= weights.layer(f"{net}.3", "activation")
    noise = flag(settings, "predict_noise")
    masks = weights.masks(f"{net}.{3 if score == 'linear' else 4}.weight", basis, sources, noise)
    return own, found | {"mask.weight": masks[: sources * basis].clone()}  # a mask of the noise comes last


def _skim(settings: Table, weights: Weights, basis: int, sources: int) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Settings and weights of the SkiM separator."""
    blocks, carries = number(settings, "layer", 3, 1, 64), choice(settings, "mem_type", "hc", _MEMORIES)
    own = {
        "hidden": number(settings, "unit", 512, 1, _MOST),
        "blocks": blocks,
        "segment": number(settings, "segment_size", 20, 1, 1_000_000),
        "carries": carries,
        "mask_activation": choice(settings, "nonlinear", "relu", _MASKS),
    }
    found: dict[str, Tensor] = {}
    for index in range(blocks):
        source, target = f"separator.skim.seg_lstms.{index}", f"network.{index}"
        found |= weights.lstm(f"{source}.lstm", f"{target}.lstm") | weights.layer(f"{source}.proj", f"{target}.project")
        found |= weights.norm(f"{source}.norm", f"{target}.norm")
    nets = {"both": "hc", "hidden": "h", "cell": "c"}.get(carries, "")
    for index in range(blocks - 1):
        for net in nets:
            source = f"separator.skim.mem_lstms.{index}.{net}"
            target = f"memories.{index}.{'hidden' if net == 'h' else 'cell'}_net"
            found |= weights.lstm(f"{source}_net.rnn", f"{target}.lstm")
            found |= weights.layer(f"{source}_net.proj", f"{target}.project")
            found |= weights.norm(f"{source}_norm", f"{target}.norm")
    found |= weights.layer("separator.skim.output_fc.0", "activation")
    # theirs has the sources of each filter side by side, and the noise as a last source
    noise = flag(settings, "predict_noise")
    for name in ("weight", "bias"):
        rows = weights.masks(f"separator.skim.output_fc.1.{name}", basis, sources, noise)
        masks = rows.unflatten(0, (basis, sources + noise))
        found[f"mask.{name}"] = masks[:, :sources].transpose(0, 1).flatten(0, 1).contiguous()
    return own, found


def _of_model(model: Table) -> list[str]:
    """What keeps the surroundings of a separator from streaming."""
    return [
        f"{key} of model_conf divides by the standard deviation of the whole recording"
        for key in ("normalize_variance", "normalize_variance_per_ch")
        if flag(model, key)
    ]


def _of_separator(separator: str, settings: Table) -> list[str]:
    """What keeps a separator from streaming."""
    reasons = []
    if separator in _KNOWN and not flag(settings, "causal", separator == "skim"):
        looks = "its LSTMs run backwards, too" if separator == "skim" else "its convolutions reach into the future"
        reasons.append(f"causal of separator_conf is false ({looks})")
    if separator == "skim" and flag(settings, "seg_overlap"):
        reasons.append("seg_overlap of separator_conf adds up segments that overlap")
    if separator == "skim" and settings.data.get("mem_type", "hc") is None:
        reasons.append(
            "mem_type of separator_conf is null (the end of a segment starts the same segment of later blocks)"
        )
    norm = settings.data.get("norm_type", "gLN")
    if separator == "tcn" and norm in _GLOBAL_NORMS:
        reasons.append(f"norm_type {norm} of separator_conf has statistics over the whole recording")
    return reasons


def _configuration(path: Path) -> Mapping[str, Any]:
    """The content of the YAML file, plain data alone."""
    require("yaml", extra="import", purpose="reading the configuration of ESPnet")
    import yaml  # type: ignore[import-untyped]  # its types are another package

    content = read_limited(path, _LARGEST_CONFIG, _ADVICE)
    try:
        data = yaml.load(content, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise UserError(f"{path} is not valid YAML ({' '.join(str(error).split())[:200]}): {_ADVICE}") from error
    if not isinstance(data, Mapping):
        raise UserError(f"{path} holds a {type(data).__name__}, expected settings by name: {_ADVICE}")
    return data


def _inner(table: Table, key: str) -> Table:
    """An inner object; an empty one where there is none."""
    return table.table(key) if table.has(key) else Table({}, f"{key!r} of {table.where}", table.advice)


def _sample_rate(content: Mapping[str, Any], path: Path) -> int:
    """The sample rate of the training data: ESPnet names it where it prepares data, and in names of its folders."""
    for table in (content, content.get("preprocessor_conf")):
        for key in ("sample_rate", "fs"):
            value = table.get(key) if isinstance(table, Mapping) else None
            if type(value) is int and RATES[0] <= value <= RATES[1]:
                return value
    rates = {int(rate) for rate in re.findall(r"(?:enh_stats|min|max)_(\d{1,2})k\b", str(content))}
    if len(rates) == 1:
        return 1000 * rates.pop()
    raise UserError(f"{path} does not name the sample rate: give it as --sample-rate, such as 8000")
